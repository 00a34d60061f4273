"""The machine that a number was made on, and two settings that make small tensors fast on it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import platform
import threading
from pathlib import Path
from typing import Any

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's mallopt(3)
KEPT_BYTES = 1 << 30


def prepare(threads: int = 1, device: str = "cpu") -> None:
    """Set the number of CPU threads, and let the allocator keep freed memory.

    glibc hands large blocks back to the kernel at every free; a meta-gradient allocates thousands of them, and faulting
    their pages in again costs a seventh of its time (benchmarks/LEDGER.md).
    """
    torch.set_num_threads(threads)
    if device == "cpu" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def start_worker() -> None:
    """What every worker process of a pool does first: one thread, and an end with the process that started it."""
    end_with_parent()
    prepare(threads=1)


def end_with_parent() -> None:
    """Ends this worker process when the process that started it ends, killed or not: a pool's workers would live on."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def environment(device: str = "cpu") -> dict[str, Any]:
    """What belongs beside every number: torch, device, processor, threads, Python and platform."""
    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "platform": platform.system(),
    }


def processor() -> str:
    """The processor's own name for itself, where it tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
