"""Batch normalisation and max-pooling as one operation, differentiable twice: what second-order MAML needs most of.

Normalising is affine and increasing in each channel, so pooling may come before the scale and shift (with the sign of
the scale minded), which then touch a quarter of the elements. The gradients are written out for the same reason: the
library's second derivative of batch normalisation alone takes several times what the whole of this takes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from lambda_core.kernels.patches import as_image, per_place

FEW = 1 << 15  # elements up to which the fewest kernels are the fastest


MANY = 1 << 16  # elements from which a few more, but simpler, kernels are faster


class NormPool(nn.Module):
    """Batch normalisation (batch statistics), 2×2 max-pooling, ReLU; (N, C, H, W) → (N, C, H // 2, W // 2).

    The same function as the three modules one after the other. channels: C; eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if _plain_operations_only(x):
            unit = F.batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)
            return F.relu(F.max_pool2d(unit, 2))
        return norm_pool_relu(x, self.weight, self.bias, self.eps)


def norm_pool_relu(x: Tensor, weight: Tensor, bias: Tensor, eps: float, leading: int | None = None) -> Tensor:
    """What `NormPool` computes, under the scale `weight` and the shift `bias`, (C,) each.

    leading: take the statistics from so many leading rows of the batch (None: from all).
    """
    if leading is not None:
        unit = normalise_by_first(x, leading, eps)
        return F.relu(F.max_pool2d(torch.addcmul(_channel(bias), unit, _channel(weight)), 2))
    if x.is_cuda:
        return F.relu(F.max_pool2d(F.batch_norm(x, None, None, weight, bias, True, 0.0, eps), 2))
    if torch.is_grad_enabled():
        return F.relu(torch.addcmul(_channel(bias), norm_pool(x, weight.detach() < 0, eps), _channel(weight)))
    if x.numel() < FEW:
        unit = torch.batch_norm(x, weight, bias, None, None, True, 0.0, eps, False)
        return torch.max_pool2d(unit, 2).relu_()
    return _without_gradient(x, weight, bias, eps)


def _plain_operations_only(x: Tensor) -> bool:
    """Where the library's own operations serve better, or alone: a GPU, autocast, vmap, and programs being traced."""
    return (
        x.is_cuda
        or torch.is_autocast_enabled(x.device.type)
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None  # torch.jit.trace, and ONNX export by it
    )


def _without_gradient(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Statistics, pooling, and only then one scale and shift of a quarter of the elements."""
    x = x.contiguous(memory_format=torch.channels_last)
    mean, var = torch.batch_norm_update_stats(x, None, None, 0.0)
    pooled = pooled_maxima(x)
    if float(weight.amin()) < 0:
        pooled = torch.where(_channel(weight < 0), -F.max_pool2d(-x, 2), pooled)
    return torch.batch_norm(pooled, weight, bias, mean, var, False, 0.0, eps, False).relu_()


def pooled_maxima(x: Tensor) -> Tensor:
    """2×2 max-pooling without indices: of all but small images as the maximum of strided views, which is faster."""
    if x.numel() < MANY:
        return F.max_pool2d(x, 2)
    h, w = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    pairs = torch.maximum(x[:, :, 0:h:2, :w], x[:, :, 1:h:2, :w])
    return torch.maximum(pairs[..., 0::2], pairs[..., 1::2])


def normalise_by_first(x: Tensor, count: int, eps: float) -> Tensor:
    """x (N, C, …) in units of the mean and standard deviation, channel by channel, of its first `count` rows."""
    dims = [dim for dim in range(x.dim()) if dim != 1]
    var, mean = torch.var_mean(x[:count], dims, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(var + eps)


def norm_pool(x: Tensor, negative: Tensor, eps: float) -> Tensor:
    """2×2 max-pooling of x normalised by its batch statistics; min-pooling in channels marked `negative`.

    x: (N, C, H, W) float, channels last in memory; negative: (C,) bool → (N, C, H // 2, W // 2). Twice differentiable.
    """
    sign = torch.where(negative, -1.0, 1.0).to(x.dtype) if bool(negative.any()) else None
    pooled: Tensor = _NormPool.apply(x, sign, eps)
    return pooled


class _NormPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, sign: Tensor | None, eps: float) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        unit, _, scale = torch.native_batch_norm(x, None, None, None, None, True, 0.0, eps)
        signed = unit if sign is None else unit * _channel(sign)
        pooled, where = F.max_pool2d_with_indices(signed, (2, 2))
        pooled = pooled if sign is None else pooled * _channel(sign)
        ctx.save_for_backward(x, unit, scale, pooled, where)
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _NormPoolBackward.apply(gradients[0], *ctx.saved_tensors), None, None


class _NormPoolBackward(torch.autograd.Function):
    """dx = σ (u − m(u) − x̂ m(u x̂)): u is the gradient g put back where the maxima were, m the mean over the batch,
    x̂ the normalised x and σ = 1/√(var + eps).

    Its own gradient is that of L = Σ v·dx = M σ Q with Q = m(vu) − V₁U₁ − V₂U₂, U₁ = m(u), U₂ = m(u x̂), V alike for v:
    to g, σ (v − V₁ − x̂ V₂) at the maxima; to x, through x̂ and through σ (∂σ/∂x = −σ² x̂ / M),
    σ² (V₁U₂ + U₁V₂ + (2 U₂V₂ − Q) x̂ − U₂ v − V₂ u).
    """

    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor, unit: Tensor, scale: Tensor, pooled: Tensor, where: Tensor) -> Tensor:
        g, units, maxima, places = per_place(g), per_place(unit), per_place(pooled), per_place(where)
        count = units.shape[0] * units.shape[1]
        u1, u2 = g.sum((0, 1)) / count, (g * maxima).sum((0, 1)) / count
        dx = torch.addcmul(-u1 * scale, units, -u2 * scale).scatter_add_(1, places, g * scale)
        ctx.save_for_backward(g, units, scale, maxima, places, u1, u2)
        ctx.shape = x.shape
        return as_image(dx, x.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        g, units, scale, maxima, places, u1, u2 = ctx.saved_tensors
        v = per_place(gradients[0])
        count = v.shape[0] * v.shape[1]
        v1, v2 = v.sum((0, 1)) / count, (v * units).sum((0, 1)) / count
        at_maxima = v.gather(1, places)
        q = (at_maxima * g).sum((0, 1)) / count - v1 * u1 - v2 * u2
        to_g = (at_maxima - v1).addcmul_(maxima, -v2).mul_(scale)
        square = scale * scale
        to_x = torch.addcmul(square * (v1 * u2 + u1 * v2), units, square * (2 * u2 * v2 - q))
        to_x.addcmul_(v, -square * u2).scatter_add_(1, places, g * (-square * v2))
        n, c, h, w = ctx.shape
        return as_image(to_g, (n, c, h // 2, w // 2)), as_image(to_x, ctx.shape), None, None, None, None


def _channel(x: Tensor) -> Tensor:
    return x.view(1, -1, 1, 1)
