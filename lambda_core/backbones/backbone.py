"""Any `nn.Sequential` seen as a row of named layers: what the inner loop works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from lambda_core.backbones.inspection import check_adaptable, is_plain_row
from lambda_core.backbones.module_call import ModuleCall, looks_of
from lambda_core.backbones.normalisations import scales_and_shifts
from lambda_core.errors import ModelError, PatternError
from lambda_core.kernels import LayerPasses, Weights, layer_passes_of
from lambda_core.patterns import LambdaPattern, Row, Update


@dataclass(frozen=True)
class Layer:
    """A named child that owns parameters, with the parameterless modules that follow it.

    trainable: names of the parameters that a step may change; those with requires_grad=False stay as they are.
    places: each parameter's name, the dictionary that holds it, and its key there: quicker than named_parameters.
    """

    name: str
    module: nn.Module
    trailing: tuple[nn.Module, ...]
    trainable: frozenset[str]
    places: tuple[tuple[str, dict[str, nn.Parameter | None], str], ...] = field(repr=False)

    @classmethod
    def of(cls, name: str, module: nn.Module, trailing: tuple[nn.Module, ...]) -> Layer:
        """The layer with the parameters that its module asks gradients for."""
        trainable = frozenset(key for key, parameter in module.named_parameters() if parameter.requires_grad)
        places = tuple(
            (f"{prefix}.{key}" if prefix else key, each._parameters, key)
            for prefix, each in module.named_modules()
            for key, parameter in each._parameters.items()
            if parameter is not None
        )
        return cls(name, module, trailing, trainable, places)

    def weights(self) -> dict[str, nn.Parameter]:
        """The module's parameters as they are now, by name."""
        return {name: parameter for name, holder, key in self.places if (parameter := holder[key]) is not None}

    @cached_property
    def scales(self) -> frozenset[str]:
        """Those of `trainable` that are a scale or a shift."""
        return scales_and_shifts(self.module) & self.trainable

    def changed_by(self, update: Update) -> frozenset[str]:
        """Names of the parameters that such a step changes. Raises PatternError where only scales and shifts would be
        changed, and there are none.
        """
        if update != Update.SCALES:
            return self.trainable if update else frozenset()
        if not self.scales:
            raise PatternError(f"layer {self.name} has no scale, shift or bias to update: write 0 or 1 for it, not n")
        return self.scales

    @cached_property
    def passes(self) -> LayerPasses | None:
        """The layer with its passes written out, or None where it must go through autograd."""
        return layer_passes_of(self.module, self.trailing)

    @cached_property
    def call(self) -> ModuleCall:
        """The layer's modules as they are, called on copies."""
        return ModuleCall(f"layer {self.name}", (self.module, *self.trailing))

    def forward(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        """The layer's output for input x under `weights` (its parameters by name).

        leading: batch normalisations take their statistics from so many leading rows of x (None: from all).
        """
        if self.passes and self.passes.takes(x) and not torch.is_autocast_enabled(x.device.type):
            return self.passes.apply(weights, x, leading)
        return self.call(weights, x, leading)

    def for_constant_input(self, x: Tensor) -> Callable[[Weights], Tensor]:
        """`forward` without gradients for one input that stays the same under many weights."""
        if self.passes and self.passes.takes(x):
            return self.passes.for_constant_input(x)
        return lambda weights: self.forward(weights, x)


@dataclass(frozen=True)
class Backbone:
    """An `nn.Sequential` seen as what comes before the first layer (the stem), and its layers in order.

    A view: the weights are the model's own at any time, its modules those that it had when the view was made.
    """

    model: nn.Sequential
    stem: tuple[nn.Module, ...]
    layers: tuple[Layer, ...]
    modules: tuple[nn.Module, ...] = field(repr=False)  # all of them, at any depth
    seen: list[Any] = field(repr=False)  # what the view rests on; where it has changed, a view is made anew
    remembered: dict[Any, Any] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )  # found out by its users
    batch_dim: ClassVar[int] = 0  # the dimension of inputs and outputs that counts a batch's rows

    @classmethod
    def of(cls, model: nn.Sequential, *, split: bool = False) -> Backbone:
        """Raises ModelError for a model that the inner loop could not adapt exactly.

        split: take apart the layers that are plain Sequentials themselves, so that 4-CONV has nine: conv1.conv,
        conv1.norm, …, head.
        """
        check_adaptable(model)
        children = list(_parts(model) if split else _children(model))
        starts = [i for i, (_, child) in enumerate(children) if next(child.parameters(), None) is not None]
        if not starts:
            raise ModelError("the backbone has no layer that owns parameters")
        ends = [*starts[1:], len(children)]
        layers = tuple(
            Layer.of(*children[start], tuple(child for _, child in children[start + 1 : end]))
            for start, end in zip(starts, ends, strict=True)
        )
        modules = tuple(model.modules())
        stem = tuple(child for _, child in children[: starts[0]])
        return cls(model, stem, layers, modules, looks_of(modules) + _trainable(layers))

    @classmethod
    def matching(cls, model: nn.Sequential | Backbone, pattern: LambdaPattern) -> Backbone:
        """The view of the model whose layers are the pattern's columns: whole layers, or layers taken apart."""
        if not isinstance(pattern, LambdaPattern):
            raise PatternError(
                f"the pattern must be a LambdaPattern, such as LambdaPattern.parse('00011', 5), not {pattern!r}"
            )
        whole = model.up_to_date() if isinstance(model, Backbone) else cls.of(model)
        if len(whole.layers) == pattern.layers:
            return whole.checked(pattern)
        split = cls.of(whole.model, split=True)
        if len(split.layers) == pattern.layers:
            return split.checked(pattern)
        names = ", ".join(whole.names)
        raise PatternError(f"pattern {pattern} has {pattern.layers} columns; the layers are {names}")

    def checked(self, *patterns: LambdaPattern) -> Self:
        """This view, where it can be adapted by all of these. Raises PatternError."""
        for row in dict.fromkeys(row for pattern in patterns if pattern.is_finer for row in pattern.rows):
            self.changed_by(row)
        return self

    def changed_by(self, row: Row) -> dict[int, frozenset[str]]:
        """Layer → names of the parameters that a step by `row` changes; of the layers that it updates, ascending."""
        return {layer: self.layers[layer].changed_by(update) for layer, update in enumerate(row) if update}

    def up_to_date(self) -> Backbone:
        """This view, or a new one where the model's modes, hooks or buffers have changed since it was made."""
        if looks_of(self.modules) + _trainable(self.layers) == self.seen:
            return self
        whole = Backbone.of(self.model)
        return whole if whole.names == self.names else Backbone.of(self.model, split=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the layers, in order: what a pattern's columns stand for."""
        return tuple(layer.name for layer in self.layers)

    def parameters(self) -> list[dict[str, nn.Parameter]]:
        """The model's own parameters, a dictionary a layer."""
        return [layer.weights() for layer in self.layers]

    def weights(self) -> list[Weights]:
        """What an adaptation starts from that is to be differentiated back to the parameters: these themselves."""
        return [dict(own) for own in self.parameters()]

    def detached_weights(self) -> list[Weights]:
        """The same, detached: where an adaptation starts that no gradient is to follow back."""
        return [{name: _detached(value) for name, value in layer.weights().items()} for layer in self.layers]

    def prepare_input(self, x: Tensor) -> Tensor:
        """The input of the first layer: x after the stem, in the memory layout that the first layer's weights have."""
        if x.dim() == 4 and x.shape[1] == 1 and self._is_channels_last:
            # A single channel is both layouts at once; read as the other one, the library's second derivative of a
            # channels-last convolution is wrong (the kind of pytorch/pytorch#82060). This settles the strides.
            x = x.to(memory_format=torch.channels_last)
        return self._stem_call({}, x) if self.stem else x

    def forward(self, weights: list[Weights], x: Tensor, start: int = 0) -> Tensor:
        """The output for `x`, the input of layer `start` (see `prepare_input` for layer 0)."""
        for layer, own in zip(self.layers[start:], weights[start:], strict=True):
            x = layer.forward(own, x)
        return x

    @cached_property
    def _stem_call(self) -> ModuleCall:
        return ModuleCall("what comes before the first layer", self.stem)

    @cached_property
    def _is_channels_last(self) -> bool:
        images = (value for value in self.layers[0].module.parameters() if value.dim() == 4)
        return any(value.stride(1) == 1 for value in images)


def layer_names(model: nn.Sequential) -> tuple[str, ...]:
    """The names of the layers, in order: what a pattern's columns stand for."""
    return Backbone.of(model).names


def _detached(value: Tensor) -> Tensor:
    return value.detach().clone() if value.is_inference() else value.detach()


def _trainable(layers: Sequence[Layer]) -> list[bool]:
    return [
        parameter.requires_grad
        for layer in layers
        for _, holder, key in layer.places
        if (parameter := holder[key]) is not None
    ]


def _children(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Every use of a child, a second use of the same module too."""
    for name, child in module._modules.items():
        if child is None:
            raise ModelError(f"{prefix}{name} is None: the backbone cannot be called")
        yield f"{prefix}{name}", child


def _parts(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, child in _children(module, prefix):
        if is_plain_row(child):
            yield from _parts(child, f"{name}.")
        else:
            yield name, child
