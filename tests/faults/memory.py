"""How much memory a piece of work takes at its height, whoever allocates it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def peak() -> Iterator[Callable[[], int]]:
    """Within: what it gives tells by how many bytes this process has been larger than at the beginning."""
    before = _bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark is set anew
    yield lambda: _bytes("VmHWM") - before


def _bytes(key: str) -> int:
    """VmRSS: what this process has; VmHWM: the most that it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(key))
