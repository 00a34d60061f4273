"""A convolution as a matrix product: 3×3 neighbourhoods of an image as rows, and back."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F


def patches_of(x: Tensor) -> Tensor:
    """(N, C, H, W) → (N·H·W, 9·C): the 3×3 neighbourhood of each place, zero outside."""
    n, c, h, w = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
    rows, row, place, _ = padded.stride()
    return padded.as_strided((n, h, w, 3, 3, c), (rows, row, place, row, place, 1)).reshape(n * h * w, 9 * c)


def per_place(x: Tensor) -> Tensor:
    """(N, C, H, W) → (N, H·W, C), a view where x is channels last."""
    n, c, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(n, h * w, c)


def as_image(rows: Tensor, shape: Sequence[int]) -> Tensor:
    """The inverse of `per_place`; channels last."""
    n, c, h, w = shape
    return rows.view(n, h, w, c).permute(0, 3, 1, 2)


def filter_rows(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) → (O, 9·C), in the order of `patches_of`; a view where the filters are channels last."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)
