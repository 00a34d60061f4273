"""Activations as matrices, a row a place and a column a channel, and where each row's neighbours lie.

A convolution is then one look-up and one matrix product, and the rows may stand in any order. Before pooling they stand
window place by window place, so that the maximum of each 2×2 window is that of four blocks of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Image:
    """Activations (n, channels, height, width), as a support set comes. value: their name in the graph."""

    value: str
    n: int
    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Rows:
    """Activations (n · height · width, channels). windowed: the rows' order, see `order_of`."""

    value: str
    n: int
    channels: int
    height: int
    width: int
    windowed: bool = False

    @property
    def count(self) -> int:
        return self.n * self.height * self.width

    @property
    def windows(self) -> int:
        """Whole 2×2 windows, over all images."""
        return self.n * (self.height // 2) * (self.width // 2)

    def named(self, value: str, channels: int | None = None) -> Rows:
        """Rows of the same places and order under another name."""
        return replace(self, value=value, channels=self.channels if channels is None else channels)


@dataclass(frozen=True)
class Features:
    """What enters a linear map: (n, size), the channels of the first place, of the second, …"""

    value: str
    n: int
    channels: int
    places: int


@lru_cache(maxsize=64)
def order_of(n: int, height: int, width: int, windowed: bool) -> Index:
    """The place n · H · W + row · W + column of each row.

    windowed: first the upper left place of every 2×2 window, then the lower left ones, the upper right ones, the lower
    right ones, then places of no window (last row or column of an odd size).
    """
    places = np.arange(n * height * width).reshape(n, height, width)
    if not windowed:
        return places.ravel()
    even = places[:, : height // 2 * 2, : width // 2 * 2]
    blocks = [even[:, down::2, right::2].ravel() for right in (0, 1) for down in (0, 1)]
    inside = np.concatenate(blocks)
    return np.concatenate([inside, np.setdiff1d(places.ravel(), inside)])


@lru_cache(maxsize=64)
def neighbours(n: int, height: int, width: int, size: int, windowed: tuple[bool, bool], turned: bool) -> Index:
    """(n · H · W · size²,): for each row those of its neighbourhood, n · H · W for places outside of the image.

    windowed: the order of the rows looked up, and of those that they are for. turned: the neighbourhood backwards.
    """
    row_of = np.empty(n * height * width + 1, dtype=np.int64)
    row_of[order_of(n, height, width, windowed[0])] = np.arange(n * height * width)
    row_of[-1] = n * height * width
    margin = size // 2
    places = np.full((n, height + 2 * margin, width + 2 * margin), n * height * width)
    places[:, margin : margin + height, margin : margin + width] = np.arange(n * height * width).reshape(
        n, height, width
    )
    offsets = [(down, right) for down in range(size) for right in range(size)]
    near = [places[:, down : down + height, right : right + width].ravel() for down, right in offsets]
    table = np.stack(near[::-1] if turned else near, axis=1)
    found: Index = row_of[table[order_of(n, height, width, windowed[1])]].ravel()
    return found
