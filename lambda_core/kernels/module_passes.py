"""The modules that small networks are made of, each with its forward and its first-order backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.kernels.norm_pool import NormPool, norm_pool_relu
from lambda_core.kernels.patches import as_image, filter_rows, patches_of, per_place

Weights = dict[str, Tensor]


FEW_PLACES = 512  # convolutions of so few output places are faster as one matrix product over patches


FEW_CHANNELS = 4  # inputs whose patches' covariance pays: images, not activations


_BACKWARDS = torch.arange(8, -1, -1)  # the 3×3 places of a filter, last to first


PATCH_BYTES = 3 << 20  # patches kept for a constant input, at most: beyond the cache they cost more than they save


class ModulePass(Protocol):
    """One module. `forward` also returns what `backward` needs; `backward` returns the gradients of the part's own
    weights (empty where not `wanted`) and of its input (None where not asked for by `below`).
    """

    def apply(self, weights: Weights, x: Tensor) -> Tensor: ...

    def forward(self, weights: Weights, x: Tensor, patches: Tensor | None) -> tuple[Tensor, Any]: ...

    def backward(
        self, weights: Weights, saved: Any, g: Tensor, wanted: bool, below: bool
    ) -> tuple[Weights, Tensor | None]: ...


def module_pass(prefix: str, module: nn.Module) -> ModulePass | None:
    make = _KNOWN.get(type(module))  # exactly: a subclass may compute anything
    hooked = module._forward_hooks or module._forward_pre_hooks  # whoever hooked it expects it to be called
    return None if make is None or hooked else make(prefix, module)


class LinearMap:
    def __init__(self, prefix: str) -> None:
        self.weight, self.bias = f"{prefix}weight", f"{prefix}bias"

    def apply(self, weights: Weights, x: Tensor) -> Tensor:
        return F.linear(x, weights[self.weight], weights.get(self.bias))

    def forward(self, weights: Weights, x: Tensor, _: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.apply(weights, x), x

    def backward(
        self, weights: Weights, x: Tensor, g: Tensor, wanted: bool, below: bool
    ) -> tuple[Weights, Tensor | None]:
        gradients = {self.weight: g.t() @ x} if wanted else {}
        if wanted and self.bias in weights:
            gradients[self.bias] = g.sum(0)
        return gradients, g @ weights[self.weight] if below else None


class Rectifier:
    def apply(self, _: Weights, x: Tensor) -> Tensor:
        return F.relu(x)

    def forward(self, _: Weights, x: Tensor, __: Tensor | None) -> tuple[Tensor, Tensor]:
        y = F.relu(x)
        return y, y

    def backward(self, _: Weights, y: Tensor, g: Tensor, __: bool, below: bool) -> tuple[Weights, Tensor | None]:
        return {}, torch.ops.aten.threshold_backward(g, y, 0) if below else None


class Flattening:
    def apply(self, _: Weights, x: Tensor) -> Tensor:
        return x.flatten(1)

    def forward(self, _: Weights, x: Tensor, __: Tensor | None) -> tuple[Tensor, torch.Size]:
        return x.flatten(1), x.shape

    def backward(
        self, _: Weights, shape: torch.Size, g: Tensor, __: bool, below: bool
    ) -> tuple[Weights, Tensor | None]:
        return {}, g.reshape(shape) if below else None


class Convolution:
    """A 2-d convolution; 3×3 ones of stride and padding 1 as matrix products over patches where that is faster."""

    def __init__(self, prefix: str, module: nn.Conv2d) -> None:
        self.weight, self.bias = f"{prefix}weight", f"{prefix}bias"
        self.how = (module.stride, module.padding, module.dilation)
        self.groups = module.groups
        plain = (module.kernel_size, *self.how, module.groups) == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
        self.plain = plain and module.bias is None

    def apply(self, weights: Weights, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled() and self._few(x):
            return _correlate(patches_of(x), weights[self.weight], x.shape)
        stride, padding, dilation = self.how
        return F.conv2d(x, weights[self.weight], weights.get(self.bias), stride, padding, dilation, self.groups)

    def patches(self, x: Tensor) -> Tensor | None:
        return patches_of(x) if self.plain and 9 * x.numel() * x.element_size() <= PATCH_BYTES else None

    def pays_for_constant_input(self, x: Tensor) -> bool:
        return self.plain and x.is_cpu and x.shape[1] <= FEW_CHANNELS

    def _few(self, x: Tensor) -> bool:
        return self.plain and x.is_cpu and x.numel() // x.shape[1] <= FEW_PLACES

    def forward(self, weights: Weights, x: Tensor, patches: Tensor | None) -> tuple[Tensor, Any]:
        if patches is None and self._few(x):
            patches = patches_of(x)
        if patches is None:
            return self.apply(weights, x), (x, None)
        return _correlate(patches, weights[self.weight], x.shape), (x, patches)

    def backward(
        self, weights: Weights, saved: tuple[Tensor, Tensor | None], g: Tensor, wanted: bool, below: bool
    ) -> tuple[Weights, Tensor | None]:
        x, patches = saved
        weight = weights[self.weight]
        by_library = [below and not self._few(x), wanted and patches is None]
        found: Any = self._library(weights, x, g, *by_library) if any(by_library) else (None, None, None)
        gradients: Weights = {}
        if wanted:
            gradients[self.weight] = found[1] if patches is None else _weight_gradient(patches, g, weight)
            if self.bias in weights:
                gradients[self.bias] = g.sum((0, 2, 3))
        if below and self._few(x):
            return gradients, as_image(patches_of(g) @ _turned(weight), x.shape)
        return gradients, found[0]

    def _library(self, weights: Weights, x: Tensor, g: Tensor, below: bool, wanted: bool) -> Any:
        stride, padding, dilation = self.how
        return torch.ops.aten.convolution_backward(
            g, x, weights[self.weight], None, stride, padding, dilation, False, [0, 0], self.groups,
            [below, wanted, False],
        )  # fmt: skip


def _correlate(patches: Tensor, weight: Tensor, shape: Sequence[int]) -> Tensor:
    """The convolution by `weight` (O, C, 3, 3) of what the patches were taken from; `shape`: that tensor's."""
    n, _, h, w = shape
    return as_image(torch.mm(patches, filter_rows(weight).t()), (n, len(weight), h, w))


def _turned(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) → (9·O, C): the filters of the convolution that leads back from output to input."""
    o, c = weight.shape[:2]
    return weight.permute(2, 3, 0, 1).reshape(9, o, c).index_select(0, _BACKWARDS).flatten(0, 1)


def _weight_gradient(patches: Tensor, g: Tensor, weight: Tensor) -> Tensor:
    return as_image(torch.mm(per_place(g).flatten(0, 1).t(), patches), weight.shape)


class NormPoolPass:
    """See `kernels.NormPool`. For a support set the library's kernels as they come are the fastest: few, if larger."""

    def __init__(self, prefix: str, module: NormPool) -> None:
        self.weight, self.bias, self.module = f"{prefix}weight", f"{prefix}bias", module

    def apply(self, weights: Weights, x: Tensor) -> Tensor:
        module = self.module
        return norm_pool_relu(x, weights[self.weight], weights[self.bias], module.eps, module.first, module.fused)

    def forward(self, weights: Weights, x: Tensor, _: Tensor | None) -> tuple[Tensor, Any]:
        own = weights[self.weight], weights[self.bias]
        y, mean, scale = torch.native_batch_norm(x, *own, None, None, True, 0.0, self.module.eps)
        y, where = F.max_pool2d_with_indices(y, (2, 2))
        return y.relu_(), (x, mean, scale, where, y)

    def backward(
        self, weights: Weights, saved: Any, g: Tensor, wanted: bool, below: bool
    ) -> tuple[Weights, Tensor | None]:
        x, mean, scale, where, y = saved
        g = torch.ops.aten.threshold_backward(g, y, 0)
        g = torch.ops.aten.max_pool2d_with_indices_backward(g, x, [2, 2], [2, 2], [0, 0], [1, 1], False, where)
        dx, to_weight, to_bias = torch.ops.aten.native_batch_norm_backward(
            g, x, weights[self.weight], None, None, mean, scale, True, self.module.eps, [below, wanted, wanted]
        )
        return {self.weight: to_weight, self.bias: to_bias} if wanted else {}, dx if below else None


def _conv(prefix: str, module: Any) -> ModulePass | None:
    known = module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return Convolution(prefix, module) if known else None


def _flatten(_: str, module: Any) -> ModulePass | None:
    return Flattening() if (module.start_dim, module.end_dim) == (1, -1) else None


_KNOWN: dict[type[nn.Module], Callable[[str, Any], ModulePass | None]] = {
    nn.Conv2d: _conv,
    NormPool: NormPoolPass,
    nn.Linear: lambda prefix, _: LinearMap(prefix),
    nn.ReLU: lambda *_: Rectifier(),
    nn.Flatten: _flatten,
}
