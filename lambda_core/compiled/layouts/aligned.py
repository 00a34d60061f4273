"""Memory that begins where a line of the processor's cache does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE_BYTES = 64


def aligned_zeros(shape: tuple[int, ...], numbers: np.dtype[Any]) -> NDArray[Any]:
    """Zeros: a register read from them comes from one line of the cache, from NumPy's own it would mostly from two.

    They take LINE_BYTES more than they hold.
    """
    size = math.prod(shape)
    if not size:
        return np.zeros(shape, numbers)
    room = np.zeros(size + LINE_BYTES // numbers.itemsize, numbers)
    first = -room.ctypes.data % LINE_BYTES // numbers.itemsize
    return room[first : first + size].reshape(shape)
