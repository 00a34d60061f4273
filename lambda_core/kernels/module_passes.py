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
    """One module with its two passes; its weights lie in the layer's dictionary under names of its own."""

    names: tuple[str, ...]

    def apply(self, weights: Weights, x: Tensor, leading: int | None) -> Tensor:
        """The output, by operations that autograd can follow. leading: see `LayerPasses.apply`."""

    def forward(self, weights: Weights, x: Tensor, patches: Tensor | None) -> tuple[Tensor, Any]:
        """The output, and what `backward` needs. patches: those of x, where they are at hand."""

    def backward(
        self, weights: Weights, saved: Any, grad_output: Tensor, wanted: frozenset[str], needs_input_grad: bool
    ) -> tuple[Weights, Tensor | None]:
        """Gradients of those of the module's own weights that are wanted, and of its input (None unless needed)."""


def module_pass(prefix: str, module: nn.Module) -> ModulePass | None:
    """The passes of a module whose type is known here and that calls nothing else; its weights start with `prefix`."""
    make = _KNOWN.get(type(module))  # exactly: a subclass may compute anything
    return make(prefix, module) if make is not None and calls_nothing_else(module) else None


def calls_nothing_else(module: nn.Module) -> bool:
    """Whether calling the module runs its class's `forward` and nothing more: no hook, no forward of its own."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return not any(hooks) and "forward" not in vars(module) and type(module).__call__ is nn.Module.__call__


class LinearMap:
    def __init__(self, prefix: str) -> None:
        self.weight, self.bias = f"{prefix}weight", f"{prefix}bias"
        self.names: tuple[str, ...] = (self.weight, self.bias)

    def apply(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        return F.linear(x, weights[self.weight], weights.get(self.bias))

    def forward(self, weights: Weights, x: Tensor, _: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.apply(weights, x), x

    def backward(
        self, weights: Weights, x: Tensor, grad_output: Tensor, wanted: frozenset[str], needs_input_grad: bool
    ) -> tuple[Weights, Tensor | None]:
        gradients: Weights = {}
        rows = grad_output.flatten(0, -2)  # (N, …, O): one map for all leading dimensions
        if self.weight in wanted:
            gradients[self.weight] = rows.t() @ x.flatten(0, -2)
        if self.bias in wanted:
            gradients[self.bias] = rows.sum(0)
        return gradients, grad_output @ weights[self.weight] if needs_input_grad else None


class Rectifier:
    names: tuple[str, ...] = ()

    def apply(self, _: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        return F.relu(x)

    def forward(self, _: Weights, x: Tensor, __: Tensor | None) -> tuple[Tensor, Tensor]:
        y = F.relu(x)
        return y, y

    def backward(
        self, _: Weights, y: Tensor, grad_output: Tensor, __: frozenset[str], needs_input_grad: bool
    ) -> tuple[Weights, Tensor | None]:
        return {}, torch.ops.aten.threshold_backward(grad_output, y, 0) if needs_input_grad else None


class Flattening:
    names: tuple[str, ...] = ()

    def apply(self, _: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        return x.flatten(1)

    def forward(self, _: Weights, x: Tensor, __: Tensor | None) -> tuple[Tensor, torch.Size]:
        return x.flatten(1), x.shape

    def backward(
        self, _: Weights, shape: torch.Size, grad_output: Tensor, __: frozenset[str], needs_input_grad: bool
    ) -> tuple[Weights, Tensor | None]:
        return {}, grad_output.reshape(shape) if needs_input_grad else None


class Convolution:
    """A 2-d convolution; 3×3 ones of stride and padding 1 as matrix products over patches where that is faster."""

    def __init__(self, prefix: str, module: nn.Conv2d) -> None:
        self.weight, self.bias = f"{prefix}weight", f"{prefix}bias"
        self.names: tuple[str, ...] = (self.weight, self.bias)
        self.how = (module.stride, module.padding, module.dilation)
        self.groups = module.groups
        plain = (module.kernel_size, *self.how, module.groups) == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
        self.plain = plain and module.bias is None

    def apply(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
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
        self,
        weights: Weights,
        saved: tuple[Tensor, Tensor | None],
        grad_output: Tensor,
        wanted: frozenset[str],
        needs_input_grad: bool,
    ) -> tuple[Weights, Tensor | None]:
        x, patches = saved
        weight, needs_weight_grad = weights[self.weight], self.weight in wanted
        by_library = [needs_input_grad and not self._few(x), needs_weight_grad and patches is None]
        found: Any = self._library(weights, x, grad_output, *by_library) if any(by_library) else (None, None, None)
        gradients: Weights = {}
        if needs_weight_grad:
            gradients[self.weight] = found[1] if patches is None else _weight_gradient(patches, grad_output, weight)
        if self.bias in wanted:
            gradients[self.bias] = grad_output.sum((0, 2, 3))
        if needs_input_grad and self._few(x):
            return gradients, as_image(patches_of(grad_output) @ _turned(weight), x.shape)
        return gradients, found[0]

    def _library(
        self, weights: Weights, x: Tensor, grad_output: Tensor, needs_input_grad: bool, needs_weight_grad: bool
    ) -> Any:
        stride, padding, dilation = self.how
        return torch.ops.aten.convolution_backward(
            grad_output, x, weights[self.weight], None, stride, padding, dilation, False, [0, 0], self.groups,
            [needs_input_grad, needs_weight_grad, False],
        )  # fmt: skip


def _correlate(patches: Tensor, weight: Tensor, shape: Sequence[int]) -> Tensor:
    """The convolution by `weight` (O, C, 3, 3) of what the patches were taken from; `shape`: that tensor's."""
    n, _, h, w = shape
    return as_image(torch.mm(patches, filter_rows(weight).t()), (n, len(weight), h, w))


def _turned(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) → (9·O, C): the filters of the convolution that leads back from output to input."""
    o, c = weight.shape[:2]
    return weight.permute(2, 3, 0, 1).reshape(9, o, c).index_select(0, _BACKWARDS).flatten(0, 1)


def _weight_gradient(patches: Tensor, grad_output: Tensor, weight: Tensor) -> Tensor:
    return as_image(torch.mm(per_place(grad_output).flatten(0, 1).t(), patches), weight.shape)


class NormPoolPass:
    """See `kernels.NormPool`. For a support set the library's kernels as they come are the fastest: few, if larger."""

    def __init__(self, prefix: str, module: NormPool) -> None:
        self.weight, self.bias = f"{prefix}weight", f"{prefix}bias"
        self.names: tuple[str, ...] = (self.weight, self.bias)
        self.module = module

    def apply(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        module = self.module
        return norm_pool_relu(x, weights[self.weight], weights[self.bias], module.eps, leading)

    def forward(self, weights: Weights, x: Tensor, _: Tensor | None) -> tuple[Tensor, Any]:
        own = weights[self.weight], weights[self.bias]
        y, mean, scale = torch.native_batch_norm(x, *own, None, None, True, 0.0, self.module.eps)
        y, where = F.max_pool2d_with_indices(y, (2, 2))
        return y.relu_(), (x, mean, scale, where, y)

    def backward(
        self, weights: Weights, saved: Any, grad_output: Tensor, wanted: frozenset[str], needs_input_grad: bool
    ) -> tuple[Weights, Tensor | None]:
        x, mean, scale, where, y = saved
        aten, needs = torch.ops.aten, [needs_input_grad, self.weight in wanted, self.bias in wanted]
        at_pooled = aten.threshold_backward(grad_output, y, 0)
        at_unit = aten.max_pool2d_with_indices_backward(at_pooled, x, [2, 2], [2, 2], [0, 0], [1, 1], False, where)
        to_x, to_weight, to_bias = aten.native_batch_norm_backward(
            at_unit, x, weights[self.weight], None, None, mean, scale, True, self.module.eps, needs
        )
        return {name: each for name, each in zip(self.names, (to_weight, to_bias), strict=True) if name in wanted}, to_x


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
