"""Layers written out: forward and first-order backward passes of the modules that small networks are made of.

For batches as small as a support set, autograd and functional calls cost as much again as the kernels. A layer whose
modules are all known here is run as a row of module passes instead, each with its two passes in a few kernels; other
layers go through autograd (`adaptation/gradients.py`). Weights are looked up by name: a row holds no state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lambda_core.kernels.constant_input import ConstantInput
from lambda_core.kernels.module_passes import (
    Convolution,
    LinearMap,
    ModulePass,
    NormPoolPass,
    Weights,
    calls_nothing_else,
    module_pass,
)

EXACT_TYPES = (torch.float32, torch.float64)  # in shorter ones, another order of summing shows


class LayerPasses:
    """The module passes of one layer, in order."""

    def __init__(self, passes: Sequence[ModulePass]) -> None:
        self.passes = passes
        images = [each for each in passes if isinstance(each, (Convolution, NormPoolPass))]
        self._takes_images = bool(images)

    def takes(self, x: Tensor) -> bool:
        """Whether the passes are right for this input: float32 or float64, and a batch of images for convolutions."""
        return x.dtype in EXACT_TYPES and (x.dim() == 4 or not self._takes_images)

    def apply(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        """The output for x under `weights`; differentiable by autograd, twice.

        leading: normalise by the statistics of so many leading rows of the batch (None: of all).
        """
        for each in self.passes:
            x = each.apply(weights, x, leading)
        return x

    def for_constant_input(self, x: Tensor) -> Callable[[Weights], Tensor]:
        """`apply` without gradients for one input that stays the same under many weights."""
        conv, norm = (*self.passes, None, None)[:2]
        if not (isinstance(conv, Convolution) and isinstance(norm, NormPoolPass) and conv.pays_for_constant_input(x)):
            return lambda weights: self.apply(weights, x)
        known, rest = ConstantInput(x), LayerPasses(self.passes[2:])
        return lambda own: rest.apply(
            own, known.conv_norm_pool(own[conv.weight], own[norm.weight], own[norm.bias], norm.module.eps)
        )

    @property
    def linear(self) -> tuple[str, str] | None:
        """The names of weight and bias where the layer is one linear map."""
        only = self.passes[0] if len(self.passes) == 1 else None
        return (only.weight, only.bias) if isinstance(only, LinearMap) else None

    def patches(self, x: Tensor) -> Tensor | None:
        """What `forward` can use of an input that stays the same for several calls; None: nothing."""
        first = self.passes[0]
        return first.patches(x) if isinstance(first, Convolution) else None

    def forward(self, weights: Weights, x: Tensor, patches: Tensor | None = None) -> tuple[Tensor, list[Any]]:
        """The output for x, and what `backward` needs, a value a module. patches: those of x, if at hand."""
        kept = []
        for each in self.passes:
            x, saved = each.forward(weights, x, patches)
            kept.append(saved)
            patches = None
        return x, kept

    def backward(
        self, weights: Weights, kept: list[Any], grad_output: Tensor, wanted: frozenset[str], needs_input_grad: bool
    ) -> tuple[Weights, Tensor | None]:
        """The chain rule from the last module to the first, or to the lowest one with a weight that is wanted.

        kept: what `forward` returned; grad_output: the gradient of the loss to the layer's output, of its shape.
        Returns the gradients of the weights of these names, and that of the input (None unless needs_input_grad).
        """
        lowest = 0 if needs_input_grad else self._lowest_of(wanted)
        gradients: Weights = {}
        gradient: Tensor | None = grad_output
        for place in range(len(self.passes) - 1, lowest - 1, -1):
            assert gradient is not None
            needs_below = needs_input_grad or place > lowest
            own, gradient = self.passes[place].backward(weights, kept[place], gradient, wanted, needs_below)
            gradients |= own
        return gradients, gradient

    def _lowest_of(self, wanted: frozenset[str]) -> int:
        """The place of the lowest module that owns one of these weights."""
        owners = (place for place, each in enumerate(self.passes) if not wanted.isdisjoint(each.names))
        return next(owners, len(self.passes))


def layer_passes_of(module: nn.Module, trailing: Sequence[nn.Module]) -> LayerPasses | None:
    """A layer, with the parameterless modules that follow it, as passes; None where one is not known here."""
    modules = (*_leaves(module), *(leaf for each in trailing for leaf in _leaves(each)))
    passes = [module_pass(prefix, child) for prefix, child in modules]
    known = [each for each in passes if each is not None]
    return LayerPasses(known) if known and len(known) == len(passes) else None


def _leaves(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    if type(module) is nn.Sequential and calls_nothing_else(module):
        for name, child in module._modules.items():  # named_children leaves out a module's second use
            assert child is not None
            yield from _leaves(child, f"{prefix}{name}.")
    else:
        yield prefix, module
