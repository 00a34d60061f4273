"""Any `nn.Sequential` seen as a row of named layers: what the inner loop works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lambda_core.errors import ModelError, PatternError
from lambda_core.kernels import LayerPasses, Weights, layer_passes_of
from lambda_core.patterns import LambdaPattern


@dataclass(frozen=True)
class Layer:
    """A named child that owns parameters, with the parameterless children that follow it."""

    name: str
    module: nn.Module
    tail: tuple[nn.Module, ...]

    @cached_property
    def chain(self) -> LayerPasses | None:
        """The layer with its passes written out, or None where it must go through autograd."""
        return layer_passes_of(self.module, self.tail)

    def for_constant_input(self, x: Tensor) -> Callable[[Weights], Tensor]:
        """`forward` without gradients for one input that stays the same under many weights."""
        return self.chain.for_constant_input(x) if self.chain else lambda weights: self.forward(weights, x)

    def forward(self, weights: Weights, x: Tensor) -> Tensor:
        """The layer's output for input x under `weights` (its own parameters by name)."""
        if self.chain:
            return self.chain.apply(weights, x)
        x = functional_call(self.module, weights, (x,))
        for module in self.tail:
            x = module(x)
        return x


@dataclass(frozen=True)
class Backbone:
    """An `nn.Sequential` seen as what comes before the first layer, and its layers in order.

    A view: the weights are the model's own at any time, its modules those that it had when the view was made.
    """

    origin: nn.Sequential
    lead: tuple[nn.Module, ...]
    layers: tuple[Layer, ...]

    @classmethod
    def of(cls, model: nn.Sequential, *, split: bool = False) -> Backbone:
        """Raises ModelError for a model that the inner loop could not adapt exactly.

        split: take apart the layers that are Sequentials themselves, so that 4-CONV has nine: conv1.conv, conv1.norm,
        …, head.
        """
        if not isinstance(model, nn.Sequential):
            raise ModelError(f"the backbone must be an nn.Sequential of named layers, not {type(model).__name__}")
        _refuse_what_breaks_exactness(model)
        children = list(_parts(model) if split else model.named_children())
        starts = [i for i, (_, child) in enumerate(children) if _owns_parameters(child)]
        if not starts:
            raise ModelError("the backbone has no layer that owns parameters")
        ends = [*starts[1:], len(children)]
        layers = tuple(
            Layer(children[start][0], children[start][1], tuple(child for _, child in children[start + 1 : end]))
            for start, end in zip(starts, ends, strict=True)
        )
        return cls(model, tuple(child for _, child in children[: starts[0]]), layers)

    @classmethod
    def matching(cls, model: nn.Sequential | Backbone, pattern: LambdaPattern) -> Backbone:
        """The view of the model whose layers are the pattern's columns: whole layers, or layers taken apart."""
        whole = model if isinstance(model, Backbone) else cls.of(model)
        if len(whole.layers) == pattern.layers:
            return whole
        split = cls.of(whole.origin, split=True)
        if len(split.layers) == pattern.layers:
            return split
        names = ", ".join(whole.names)
        raise PatternError(f"pattern {pattern} has {pattern.layers} columns; the layers are {names}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.layers)

    def weights(self) -> list[Weights]:
        """The model's own parameters, a dictionary a layer."""
        return [dict(layer.module.named_parameters()) for layer in self.layers]

    def start(self) -> list[Weights]:
        """The same, detached: where an adaptation starts that no gradient is to follow back."""
        return [{name: value.detach() for name, value in own.items()} for own in self.weights()]

    def enter(self, x: Tensor) -> Tensor:
        """The input of the first layer."""
        if x.dim() == 4 and x.shape[1] == 1 and self._is_channels_last:
            # A single channel is both layouts at once; read as the other one, the library's second derivative of a
            # channels-last convolution is wrong (the kind of pytorch/pytorch#82060). This settles the strides.
            x = x.to(memory_format=torch.channels_last)
        for module in self.lead:
            x = module(x)
        return x

    @cached_property
    def _is_channels_last(self) -> bool:
        images = (value for value in self.layers[0].module.parameters() if value.dim() == 4)
        return any(value.stride(1) == 1 for value in images)

    def forward(self, weights: list[Weights], x: Tensor, start: int = 0) -> Tensor:
        """The output for `x`, the input of layer `start` (see `enter` for layer 0)."""
        for layer, own in zip(self.layers[start:], weights[start:], strict=True):
            x = layer.forward(own, x)
        return x


def layer_names(model: nn.Sequential) -> tuple[str, ...]:
    """The names of the layers, in order: what a pattern's columns stand for."""
    return Backbone.of(model).names


def _parts(module: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential):
            yield from _parts(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


def _owns_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _refuse_what_breaks_exactness(model: nn.Sequential) -> None:
    owners: dict[int, str] = {}
    for place, module in model.named_modules(remove_duplicate=False):
        for key, parameter in module._parameters.items():
            if parameter is None:
                continue
            name = f"{place}.{key}"
            first = owners.setdefault(id(parameter), name)
            if first != name:
                raise ModelError(f"{name} shares its parameters with {first}: a pattern could not freeze one of them")
        if not module.training:
            continue
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
            raise ModelError(f"{place} is a dropout in training mode: its activations cannot be reused; call .eval()")
        if isinstance(module, nn.modules.batchnorm._NormBase) and module.track_running_stats:
            raise ModelError(
                f"{place} tracks running statistics; build it with track_running_stats=False, or call .eval()"
            )
