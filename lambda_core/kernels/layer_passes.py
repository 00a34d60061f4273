"""Layers written out: forward and first-order backward passes of the modules that small networks are made of.

For batches as small as a support set, autograd and functional calls cost as much again as the kernels. A layer whose
modules are all known here is run as a chain of parts instead, each with its two passes in a few kernels; other layers
go through autograd (see `inner_loop`). Weights are looked up by name, so a chain holds no state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from lambda_core.kernels.constant_input import ConstantInput
from lambda_core.kernels.module_passes import Convolution, LinearMap, ModulePass, NormPoolPass, Weights, module_pass


class LayerPasses:
    """The parts of one layer, in order."""

    def __init__(self, parts: Sequence[ModulePass]) -> None:
        self.parts = parts

    def apply(self, weights: Weights, x: Tensor) -> Tensor:
        """The output for x under `weights`; differentiable by autograd, twice."""
        for part in self.parts:
            x = part.apply(weights, x)
        return x

    def for_constant_input(self, x: Tensor) -> Callable[[Weights], Tensor]:
        """`apply` without gradients for one input that stays the same under many weights."""
        conv, norm = (*self.parts, None, None)[:2]
        if not (isinstance(conv, Convolution) and isinstance(norm, NormPoolPass) and conv.pays_for_constant_input(x)):
            return lambda weights: self.apply(weights, x)
        known, rest = ConstantInput(x), LayerPasses(self.parts[2:])
        return lambda own: rest.apply(
            own, known.conv_norm_pool(own[conv.weight], own[norm.weight], own[norm.bias], norm.module.eps)
        )

    @property
    def linear(self) -> tuple[str, str] | None:
        """The names of its weight and bias where the chain is one linear map."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return (only.weight, only.bias) if isinstance(only, LinearMap) else None

    def patches(self, x: Tensor) -> Tensor | None:
        """What `forward` can use of an input that stays the same for several calls; None: nothing."""
        first = self.parts[0]
        return first.patches(x) if isinstance(first, Convolution) else None

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


def layer_passes_of(module: nn.Module, tail: Sequence[nn.Module]) -> LayerPasses | None:
    """A layer as a chain, or None where a module of it is not known here."""
    parts = [module_pass(prefix, child) for prefix, child in (*_leaves(module), *(("", child) for child in tail))]
    known = [part for part in parts if part is not None]
    return LayerPasses(known) if known and len(known) == len(parts) else None


def _leaves(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    if type(module) is nn.Sequential:
        for name, child in module.named_children():
            yield from _leaves(child, f"{prefix}{name}.")
    else:
        yield prefix, module
