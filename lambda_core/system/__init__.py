"""The machine and its files: whole-or-not-at-all writes, progress, the processor, worker processes.

Belongs here: what any program would need. Does not: anything that knows of patterns, models or studies. No torch at
import.
"""

from lambda_core.system.atomic_files import write_json, write_with
from lambda_core.system.hardware import best_device, environment, prepare, processor
from lambda_core.system.progress import Meter, Progress, Report
from lambda_core.system.worker import NO_MAIN_GUARD, WorkerProcess, worker_pool

__all__ = [
    "NO_MAIN_GUARD",
    "Meter",
    "Progress",
    "Report",
    "WorkerProcess",
    "best_device",
    "environment",
    "prepare",
    "processor",
    "worker_pool",
    "write_json",
    "write_with",
]
