"""The machine and its files: whole-or-not-at-all writes, locks, progress, the processor, worker processes.

Belongs here: what any program would need. Does not: anything that knows of patterns, models or studies. No torch at
import.
"""

from lambda_core.system.atomic_files import first_line, hold, remove_if_left, rename_folder, write_json, write_with
from lambda_core.system.checksums import OWN, own_sum, sum_of, sum_of_file
from lambda_core.system.company import alone
from lambda_core.system.hardware import best_device, check_device, environment, prepare, processor, synchronise
from lambda_core.system.locks import locked
from lambda_core.system.own_code import own_function
from lambda_core.system.progress import Meter, Progress, Report
from lambda_core.system.spreading import cores, spread
from lambda_core.system.stopping import finishing, stopped_by_sigterm
from lambda_core.system.worker import NO_MAIN_GUARD, WorkerProcess, call, worker_pool

__all__ = [
    "NO_MAIN_GUARD",
    "OWN",
    "Meter",
    "Progress",
    "Report",
    "WorkerProcess",
    "alone",
    "best_device",
    "call",
    "check_device",
    "cores",
    "environment",
    "finishing",
    "first_line",
    "hold",
    "locked",
    "own_function",
    "own_sum",
    "prepare",
    "processor",
    "remove_if_left",
    "rename_folder",
    "spread",
    "stopped_by_sigterm",
    "sum_of",
    "sum_of_file",
    "synchronise",
    "worker_pool",
    "write_json",
    "write_with",
]
