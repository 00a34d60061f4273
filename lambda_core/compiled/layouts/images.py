"""Images as the kernels take them: channels last, with a border of zeros."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from torch import Tensor


def take_images(images: Tensor, bordered: NDArray[Any]) -> None:
    """images: (n, c, h, w), in any order in memory; bordered: (n, h + 2, (w + 2)·c) of the same type."""
    from lambda_core.compiled.layouts.reordering import channels_last

    given = images.numpy(force=images.requires_grad)
    if given.flags.c_contiguous:
        channels_last(given, bordered)
    else:
        n, c, h, w = given.shape
        bordered.reshape(n, h + 2, w + 2, c)[:, 1:-1, 1:-1] = given.transpose(0, 2, 3, 1)
