"""A backbone's layers as parts that can be written out as ONNX operators; what has none is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from lambda_core.backbones import Backbone, Layer, ResidualBlock
from lambda_core.errors import ModelError
from lambda_core.export.operators import (
    Convolution,
    Flattening,
    Head,
    MaxPooling,
    MeanOverPlaces,
    Normalisation,
    Pass,
    Rectifier,
    Residual,
)
from lambda_core.kernels import NormPool

Parts = tuple[Pass, ...]


@dataclass(frozen=True)
class Network:
    """The parts of every layer, in order; a layer's weights are known by their names in it."""

    backbone: Backbone
    layers: tuple[Parts, ...]

    @property
    def head(self) -> Head:
        """The last part: the map to the classes."""
        head = self.layers[-1][-1]
        assert isinstance(head, Head)
        return head

    @classmethod
    def of(cls, backbone: Backbone) -> Network:
        """Raises ModelError that names the first module that cannot be exported."""
        if backbone.stem:
            raise ModelError("a model with modules before its first layer cannot be exported: put them into the layer")
        channels = 0
        layers: list[Parts] = []
        for layer in backbone.layers:
            _check(layer)
            parts: list[Pass] = []
            for place, module in _modules(layer):
                parts += _parts(f"{layer.name}, {place or type(module).__name__}", place, module, channels)
                channels = _outputs(parts[-1], channels)
            layers.append(tuple(parts))
        if not layers[-1] or not isinstance(layers[-1][-1], Head):
            raise ModelError("the last layer must be a linear head for the model to be exported")
        return cls(backbone, _in_pooling_order(layers))


def _check(layer: Layer) -> None:
    fixed = sorted(set(layer.weights()) - layer.trainable)
    if fixed:
        raise ModelError(f"{layer.name}.{fixed[0]} asks for no gradient; only whole layers can be exported")


def _modules(layer: Layer) -> Iterator[tuple[str, nn.Module]]:
    yield from _leaves("", layer.module)
    for each in layer.trailing:
        yield from _leaves("", each)


def _leaves(prefix: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    if type(module) is not nn.Sequential:
        yield prefix, module
        return
    for name, child in module.named_children():
        yield from _leaves(f"{prefix}.{name}" if prefix else name, child)


def _parts(where: str, place: str, module: nn.Module, channels: int) -> list[Pass]:
    """The parts of one module. where: for the error; place: its name in the layer; channels: of its input."""
    name = f"{place}." if place else ""
    if type(module) is NormPool:
        return [Normalisation(f"{name}weight", f"{name}bias", module.eps), MaxPooling(), Rectifier()]
    if type(module) is nn.BatchNorm2d and module.affine and not module.track_running_stats:
        return [Normalisation(f"{name}weight", f"{name}bias", module.eps)]
    if type(module) is nn.Conv2d and _keeps_size(module):
        return [Convolution(f"{name}weight", module.in_channels, module.out_channels, False, module.kernel_size[0])]
    if type(module) is nn.Linear and module.bias is not None and channels and module.in_features % channels == 0:
        return [Head(f"{name}weight", f"{name}bias", channels, module.out_features)]
    if type(module) is ResidualBlock:
        return [_residual(where, name, module)]
    found = _weightless(module)
    if found is None:
        raise ModelError(
            f"{where}: a {type(module).__name__} with these settings has no ONNX form here; 4-CONV and ResNet-12 have"
        )
    return [found]


def _weightless(module: nn.Module) -> Pass | None:
    if type(module) in (nn.ReLU, nn.LeakyReLU):
        return Rectifier(getattr(module, "negative_slope", 0.0))
    if type(module) is nn.MaxPool2d and (module.kernel_size, module.stride, module.padding) == (2, 2, 0):
        return MaxPooling()
    if type(module) is nn.AdaptiveAvgPool2d and module.output_size in (1, (1, 1)):
        return MeanOverPlaces()
    if type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
        return Flattening()
    return None


def _keeps_size(module: nn.Conv2d) -> bool:
    size = module.kernel_size[0]
    plain = (module.stride, module.dilation, module.groups, module.padding_mode) == ((1, 1), (1, 1), 1, "zeros")
    square = module.kernel_size == (size, size) and size in (1, 3)
    return plain and square and module.bias is None and module.padding == (size // 2, size // 2)


def _residual(where: str, name: str, block: ResidualBlock) -> Residual:
    body = [part for place, module in _leaves(f"{name}body", block.body) for part in _parts(where, place, module, 0)]
    beside = [
        part for place, module in _leaves(f"{name}shortcut", block.shortcut) for part in _parts(where, place, module, 0)
    ]
    last = max(i for i, part in enumerate(body) if isinstance(part, Convolution))
    ordered = [_windowed(part) if i == last else part for i, part in enumerate(body)]
    return Residual(tuple(ordered), tuple(map(_windowed, beside)), (MaxPooling(), Rectifier(0.1)))


def _windowed(part: Pass) -> Pass:
    return replace(part, windowed=True) if isinstance(part, Convolution) else part


def _outputs(part: Pass, channels: int) -> int:
    """Channels after a part. channels: before it."""
    if isinstance(part, Residual):
        return next(each.outputs for each in part.shortcut if isinstance(each, Convolution))
    if isinstance(part, Head):
        return part.ways
    return part.outputs if isinstance(part, Convolution) else channels


def _in_pooling_order(layers: list[Parts]) -> tuple[Parts, ...]:
    """Convolutions that are followed by pooling give their rows window by window."""
    flat = [part for parts in layers for part in parts]
    ordered = iter([_windowed(part) if _pools_after(flat[i + 1 :]) else part for i, part in enumerate(flat)])
    return tuple(tuple(next(ordered) for _ in parts) for parts in layers)


def _pools_after(later: list[Pass]) -> bool:
    """Whether pooling comes before anything else that the order of rows matters to."""
    matters = (Convolution, Residual, Head, Flattening, MeanOverPlaces, MaxPooling)
    return isinstance(next((part for part in later if isinstance(part, matters)), None), MaxPooling)
