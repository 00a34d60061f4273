"""Backbones as `nn.Sequential` of named layers, and the view of any such Sequential that the inner loop works on."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lambda_core.config import MetaTrainConfig
from lambda_core.errors import ModelError
from lambda_core.kernels import ConvBlock

Weights = dict[str, Tensor]


def conv4(ways: int, filters: int = 32, channels: int = 3, size: int = 32) -> nn.Sequential:
    """4-CONV (Vinyals et al. 2016, as in MAML): four 3×3 convolution blocks and a linear head; 5 layers.

    Input (N, channels, size, size) float32, output (N, ways) logits. Normalisation is by batch statistics only.
    Two changes leave the function as it is and cost less: no convolution bias, which the normalisation would
    cancel, and pooling before ReLU, which commute.
    """
    if size < 16:
        raise ModelError(f"4-CONV halves its input four times and needs images of at least 16 pixels, not {size}")
    blocks = [(f"conv{i + 1}", ConvBlock(channels if i == 0 else filters, filters)) for i in range(4)]
    features = filters * (size // 16) ** 2
    tail = [("flatten", nn.Flatten()), ("head", nn.Linear(features, ways))]
    return _channels_last(nn.Sequential(OrderedDict([*blocks, *tail])))


def mlp(inputs: int = 1, outputs: int = 1, hidden: int = 40) -> nn.Sequential:
    """The MAML paper's regressor: two hidden layers with ReLU, a linear head. (N, inputs) → (N, outputs); 3 layers."""
    return nn.Sequential(
        OrderedDict(
            hidden1=nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU()),
            hidden2=nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU()),
            head=nn.Linear(hidden, outputs),
        )
    )


def build_model(config: MetaTrainConfig, size: int, channels: int) -> nn.Sequential:
    """The untrained backbone of a study; the initial weights follow from config.seed.

    size, channels: of the images (N, channels, size, size); for the mlp, size is the number of inputs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.backbone == "conv4":
            return conv4(config.ways, config.filters, channels, size)
        if config.backbone == "mlp":
            return mlp(size, config.ways, config.filters)
    raise ModelError(f"no backbone is named {config.backbone!r}; there are conv4 and mlp")


@dataclass(frozen=True)
class Layer:
    """A named child that owns parameters, with the parameterless children that follow it."""

    name: str
    module: nn.Module
    tail: tuple[nn.Module, ...]

    def forward(self, weights: Weights, x: Tensor) -> Tensor:
        """The layer's output for input x under `weights` (its own parameters by name)."""
        x = functional_call(self.module, weights, (x,))
        for module in self.tail:
            x = module(x)
        return x


@dataclass(frozen=True)
class Backbone:
    """An `nn.Sequential` seen as what comes before the first layer, and its layers in order."""

    lead: tuple[nn.Module, ...]
    layers: tuple[Layer, ...]

    @classmethod
    def of(cls, model: nn.Sequential) -> Backbone:
        """Raises ModelError for a model that the inner loop could not adapt exactly."""
        if not isinstance(model, nn.Sequential):
            raise ModelError(f"the backbone must be an nn.Sequential of named layers, not {type(model).__name__}")
        _refuse_what_breaks_exactness(model)
        starts = [i for i, child in enumerate(model) if _owns_parameters(child)]
        if not starts:
            raise ModelError("the backbone has no layer that owns parameters")
        children = list(model.named_children())
        ends = [*starts[1:], len(children)]
        layers = tuple(
            Layer(children[start][0], children[start][1], tuple(child for _, child in children[start + 1 : end]))
            for start, end in zip(starts, ends, strict=True)
        )
        return cls(tuple(child for _, child in children[: starts[0]]), layers)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.layers)

    def weights(self) -> list[Weights]:
        """The model's own parameters, a dictionary a layer."""
        return [dict(layer.module.named_parameters()) for layer in self.layers]

    def enter(self, x: Tensor) -> Tensor:
        """The input of the first layer."""
        for module in self.lead:
            x = module(x)
        return x

    def forward(self, weights: list[Weights], x: Tensor, start: int = 0) -> Tensor:
        """The output for `x`, the input of layer `start` (see `enter` for layer 0)."""
        for layer, own in zip(self.layers[start:], weights[start:], strict=True):
            x = layer.forward(own, x)
        return x


def layer_names(model: nn.Sequential) -> tuple[str, ...]:
    """The names of the layers, in order: what a pattern's columns stand for."""
    return Backbone.of(model).names


def layer_costs(model: nn.Sequential, inputs: Tensor) -> list[int]:
    """Multiply-adds of each layer's forward pass for the batch `inputs`, counted from what runs."""
    backbone, counts = Backbone.of(model), []
    with torch.no_grad():
        x = backbone.enter(inputs)
        for layer in backbone.layers:
            counts.append(_count_multiply_adds(layer, x))
            x = layer.forward(dict(layer.module.named_parameters()), x)
    return counts


def _count_multiply_adds(layer: Layer, x: Tensor) -> int:
    total = 0

    def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.in_channels // module.groups * math.prod(module.kernel_size)
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features

    hooks = [module.register_forward_hook(count) for module in layer.module.modules()]
    try:
        layer.module(x)
    finally:
        for hook in hooks:
            hook.remove()
    return total


def _channels_last(model: nn.Sequential) -> nn.Sequential:
    # Two to four times faster on a CPU than the default format for these small batches.
    return model.to(memory_format=torch.channels_last)


def _owns_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _refuse_what_breaks_exactness(model: nn.Sequential) -> None:
    owners: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        first = owners.setdefault(id(parameter), name)
        if first != name:
            raise ModelError(f"{name} shares its parameters with {first}: a pattern could not freeze one of them")
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0 and module.training:
            raise ModelError(f"{name} is a dropout in training mode: its activations cannot be reused; call .eval()")
        if isinstance(module, nn.modules.batchnorm._NormBase) and module.track_running_stats and module.training:
            raise ModelError(
                f"{name} tracks running statistics; build it with track_running_stats=False, or call .eval()"
            )
