"""The machine that a number was made on, and two settings that make small tensors fast on it. No torch at import."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's mallopt(3)
KEPT_BYTES = 1 << 30


def prepare(threads: int = 1, device: str = "cpu") -> None:
    """Set the number of CPU threads, and let the allocator keep freed memory. Raises what `check_device` raises.

    glibc hands large blocks back to the kernel at every free; a meta-gradient allocates thousands of them, and faulting
    their pages in again costs a seventh of its time (benchmarks/LEDGER.md).
    """
    import torch

    check_device(device)
    torch.set_num_threads(threads)
    if device == "cpu" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def best_device() -> str:
    """cuda where there is a GPU that torch can use, else cpu."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(device: str) -> None:
    """Raises ConfigError for cuda where torch sees no GPU."""
    import torch

    if torch.device(device).type == "cuda" and best_device() != "cuda":
        raise ConfigError(
            f"torch {torch.__version__} sees no GPU on this machine: use the device cpu instead of {device}"
        )


def synchronise(x: Tensor) -> None:
    """Wait until the device that x lies on has done what it was asked for; a CPU always has."""
    import torch

    if x.is_cuda:
        torch.cuda.synchronize()


def environment(device: str = "cpu") -> dict[str, Any]:
    """What belongs beside every number: torch, device, processor, threads, Python and platform."""
    import torch

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
