"""Seeded draws that are the same on every machine, and the augmentation of training images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")


def generator(seed: int, split: str, index: int) -> np.random.RandomState:
    # RandomState's streams are frozen for good (NEP 19), which Generator's are not.
    return np.random.RandomState([seed, SPLITS.index(split), index])


def draw(random: np.random.RandomState, size: int, count: int) -> NDArray[np.int64]:
    return random.permutation(size)[:count]


def drawn_classes(seed: int, split: str, index: int, classes: int, ways: int) -> NDArray[np.int64]:
    """(ways,) places in the split's list of classes of episode `index`, in the order of its labels.

    A function of these five numbers alone: no image need be at hand. classes: how many the split has.
    """
    return draw(generator(seed, split, index), classes, ways)


def shifted(pixels: NDArray[np.uint8], by: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Images (N, K, H, W, C), each moved by its (down, right) = by[:, n, k] pixels; the border is reflected."""
    n, k, *sides = pixels.shape[:4]
    down, right = (
        (side - 1) - np.abs((side - 1) - np.abs(np.arange(side) - each[..., None]) % (2 * side - 2))
        for side, each in zip(sides, by, strict=True)
    )
    which = np.ogrid[:n, :k]
    moved: NDArray[np.uint8] = pixels[
        which[0][..., None, None], which[1][..., None, None], down[..., :, None], right[..., None, :]
    ]
    return moved
