"""Layers written out: forward and first-order backward passes of the modules that small networks are made of.

For batches as small as a support set, autograd and functional calls cost as much again as the kernels. A layer whose
modules are all known here is run as a chain of parts instead, each with its two passes in a few kernels; other layers
go through autograd (see `inner_loop`). Weights are looked up by name, so a chain holds no state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.fixed_input import FixedInput
from lambda_core.kernels import NormPool, as_image, filter_rows, norm_pool_relu, patches_of, per_place

Weights = dict[str, Tensor]
FEW_PLACES = 512  # convolutions of so few output places are faster as one matrix product over patches
FEW_CHANNELS = 4  # inputs whose patches' covariance pays: images, not activations
_BACKWARDS = torch.arange(8, -1, -1)  # the 3×3 places of a filter, last to first
PATCH_BYTES = 3 << 20  # patches kept for a constant input, at most: beyond the cache they cost more than they save


class Part(Protocol):
    """One module. `forward` also returns what `backward` needs; `backward` returns the gradients of the part's own
    weights (empty where not `wanted`) and of its input (None where not asked for by `below`).
    """

    def apply(self, weights: Weights, x: Tensor) -> Tensor: ...

    def forward(self, weights: Weights, x: Tensor, patches: Tensor | None) -> tuple[Tensor, Any]: ...

    def backward(
        self, weights: Weights, saved: Any, g: Tensor, wanted: bool, below: bool
    ) -> tuple[Weights, Tensor | None]: ...


class Chain:
    """The parts of one layer, in order."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    def apply(self, weights: Weights, x: Tensor) -> Tensor:
        """The output for x under `weights`; differentiable by autograd, twice."""
        for part in self.parts:
            x = part.apply(weights, x)
        return x

    def fixed(self, x: Tensor) -> Callable[[Weights], Tensor]:
        """`apply` without gradients for one input that stays the same under many weights."""
        conv, norm = (*self.parts, None, None)[:2]
        if not (isinstance(conv, _Conv) and isinstance(norm, _NormPool) and conv.pays_to_fix(x)):
            return lambda weights: self.apply(weights, x)
        known, rest = FixedInput(x), Chain(self.parts[2:])
        return lambda own: rest.apply(
            own, known.conv_norm_pool(own[conv.weight], own[norm.weight], own[norm.bias], norm.module.eps)
        )

    @property
    def linear(self) -> tuple[str, str] | None:
        """The names of its weight and bias where the chain is one linear map."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return (only.weight, only.bias) if isinstance(only, _Linear) else None

    def patches(self, x: Tensor) -> Tensor | None:
        """What `forward` can use of an input that stays the same for several calls; None: nothing."""
        first = self.parts[0]
        return first.patches(x) if isinstance(first, _Conv) else None

    def forward(self, weights: Weights, x: Tensor, patches: Tensor | None = None) -> tuple[Tensor, list[Any]]:
        """The output, and what `backward` needs."""
        kept = []
        for part in self.parts:
            x, saved = part.forward(weights, x, patches)
            kept.append(saved)
            patches = None
        return x, kept

    def backward(
        self, weights: Weights, kept: list[Any], g: Tensor | None, wanted: bool, below: bool
    ) -> tuple[Weights, Tensor | None]:
        """From the gradient `g` of the output: those of the weights, by name, if `wanted`, and of the input if `below`
        asks for it.
        """
        gradients: Weights = {}
        for place in range(len(self.parts) - 1, -1, -1):
            assert g is not None
            own, g = self.parts[place].backward(weights, kept[place], g, wanted, below or place > 0)
            gradients |= own
        return gradients, g


def chain_of(module: nn.Module, tail: Sequence[nn.Module]) -> Chain | None:
    """A layer as a chain, or None where a module of it is not known here."""
    parts = [_part(prefix, child) for prefix, child in (*_leaves(module), *(("", child) for child in tail))]
    known = [part for part in parts if part is not None]
    return Chain(known) if known and len(known) == len(parts) else None


def _leaves(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    if type(module) is nn.Sequential:
        for name, child in module.named_children():
            yield from _leaves(child, f"{prefix}{name}.")
    else:
        yield prefix, module


def _part(prefix: str, module: nn.Module) -> Part | None:
    make = _KNOWN.get(type(module))  # exactly: a subclass may compute anything
    hooked = module._forward_hooks or module._forward_pre_hooks  # whoever hooked it expects it to be called
    return None if make is None or hooked else make(prefix, module)


class _Linear:
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


class _ReLU:
    def apply(self, _: Weights, x: Tensor) -> Tensor:
        return F.relu(x)

    def forward(self, _: Weights, x: Tensor, __: Tensor | None) -> tuple[Tensor, Tensor]:
        y = F.relu(x)
        return y, y

    def backward(self, _: Weights, y: Tensor, g: Tensor, __: bool, below: bool) -> tuple[Weights, Tensor | None]:
        return {}, torch.ops.aten.threshold_backward(g, y, 0) if below else None


class _Flatten:
    def apply(self, _: Weights, x: Tensor) -> Tensor:
        return x.flatten(1)

    def forward(self, _: Weights, x: Tensor, __: Tensor | None) -> tuple[Tensor, torch.Size]:
        return x.flatten(1), x.shape

    def backward(
        self, _: Weights, shape: torch.Size, g: Tensor, __: bool, below: bool
    ) -> tuple[Weights, Tensor | None]:
        return {}, g.reshape(shape) if below else None


class _Conv:
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

    def pays_to_fix(self, x: Tensor) -> bool:
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


class _NormPool:
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


def _conv(prefix: str, module: Any) -> Part | None:
    known = module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return _Conv(prefix, module) if known else None


def _flatten(_: str, module: Any) -> Part | None:
    return _Flatten() if (module.start_dim, module.end_dim) == (1, -1) else None


_KNOWN: dict[type[nn.Module], Callable[[str, Any], Part | None]] = {
    nn.Conv2d: _conv,
    NormPool: _NormPool,
    nn.Linear: lambda prefix, _: _Linear(prefix),
    nn.ReLU: lambda *_: _ReLU(),
    nn.Flatten: _flatten,
}
