"""The processes of torchrun: which one this is, and how many there are."""

from __future__ import annotations

from torch import distributed


def process() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) outside torchrun."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
