"""A first convolution block on one input under many weights: what a sweep runs most of.

The statistics of a convolution's output follow from the mean m and covariance C of its input's patches, which stay the
same: output channel w has mean w·m and variance w·C·w. So each few images' products can be pooled while they are still
in the cache, and the full-size output, four times as large as what is kept, never reaches memory.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lambda_core.kernels.norm_pool import pooled_maxima
from lambda_core.kernels.patches import as_image, filter_rows, patches_of

IMAGES = 8  # products of so many 32×32 images fit the second-level cache


class ConstantInput:
    """x (N, C, H, W) float on a CPU, few channels; see `conv_norm_pool`."""

    def __init__(self, x: Tensor) -> None:
        self.shape = x.shape
        self.patches = patches_of(x)
        self.mean = self.patches.mean(0)
        centred = (self.patches - self.mean).double()
        self.covariance = (centred.t() @ centred / len(centred)).to(x.dtype)

    def conv_norm_pool(self, filters: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        """3×3 convolution by `filters` (O, C, 3, 3), then `NormPool` under weight and bias (O,); no gradients."""
        rows = filter_rows(filters)
        mean, variance = rows @ self.mean, ((rows @ self.covariance) * rows).sum(1)
        scale = weight * torch.rsqrt(variance + eps)
        # channels of a negative scale pool minima: maxima of the opposite
        sign = torch.where(scale < 0, -1.0, 1.0).to(scale.dtype)
        shift, scale = (bias - mean * scale).view(1, -1, 1, 1), scale.abs().view(1, -1, 1, 1)
        return self._pooled((rows * sign[:, None]).t(), shift, scale)

    def _pooled(self, filters: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        n, _, h, w = self.shape
        found = filters.new_empty(n, h // 2, w // 2, filters.shape[1]).permute(0, 3, 1, 2)
        for some, out in zip(torch.split(self.patches, IMAGES * h * w), torch.split(found, IMAGES), strict=True):
            product = as_image(some @ filters, (len(some) // (h * w), filters.shape[1], h, w))
            torch.addcmul(shift, pooled_maxima(product), scale, out=out).relu_()
        return found
