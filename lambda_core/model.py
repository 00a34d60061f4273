"""Backbones as `nn.Sequential` of named layers, and the view of any such Sequential that the inner loop works on."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from lambda_core.chain import Chain, Weights, chain_of
from lambda_core.config import MetaTrainConfig
from lambda_core.errors import ModelError, PatternError
from lambda_core.kernels import NormPool
from lambda_core.pattern import LambdaPattern


def conv4(ways: int, filters: int = 32, channels: int = 3, size: int = 32) -> nn.Sequential:
    """4-CONV (Vinyals et al. 2016, as in MAML): four 3×3 convolution blocks and a linear head; 5 layers.

    Input (N, channels, size, size) float32, output (N, ways) logits. Normalisation is by batch statistics only.
    Two changes leave the function as it is and cost less: no convolution bias, which the normalisation would
    cancel, and pooling before ReLU, which commute.
    """
    if size < 16:
        raise ModelError(f"4-CONV halves its input four times and needs images of at least 16 pixels, not {size}")
    blocks = [(f"conv{i + 1}", _conv_block(channels if i == 0 else filters, filters)) for i in range(4)]
    features = filters * (size // 16) ** 2
    tail = [("flatten", nn.Flatten()), ("head", nn.Linear(features, ways))]
    return _channels_last(nn.Sequential(OrderedDict([*blocks, *tail])))


def resnet12(ways: int, filters: int = 64, channels: int = 3) -> nn.Sequential:
    """ResNet-12 as the few-shot field draws it (Oreshkin et al. 2018; widths of Lee et al. 2019); 5 layers.

    Four residual blocks of three 3×3 convolutions, widths filters × 1, 2.5, 5, 10, then the mean over places and a
    linear head. Input (N, channels, size, size) float32 with size ≥ 16, output (N, ways). Batch statistics only.
    """
    widths = [channels, filters, filters * 5 // 2, filters * 5, filters * 10]
    blocks = [(f"block{i + 1}", ResidualBlock(widths[i], widths[i + 1])) for i in range(4)]
    tail = [("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("head", nn.Linear(widths[-1], ways))]
    return _channels_last(nn.Sequential(OrderedDict([*blocks, *tail])))


class ResidualBlock(nn.Module):
    """Three 3×3 convolutions beside a 1×1 one, added, LeakyReLU, 2×2 max-pooling; (N, C, H, W) → (N, F, H/2, W/2)."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i in range(3):
            parts += [nn.Conv2d(channels if i == 0 else filters, filters, 3, padding=1, bias=False), _norm(filters)]
            parts += [nn.LeakyReLU(0.1)] if i < 2 else []
        self.body = nn.Sequential(*parts)
        self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, bias=False), _norm(filters))

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.leaky_relu(self.body(x) + self.shortcut(x), 0.1), 2)


def resnet_stages(resnet: nn.Module) -> nn.Sequential:
    """A torchvision ResNet (resnet18, …) as a Sequential of six layers: stem, layer1 … layer4, head.

    The modules are the ResNet's own, switched to batch statistics (as in MAML): running averages would make what one
    step computes depend on the steps before it.
    """
    r: Any = resnet
    stem = nn.Sequential(OrderedDict(conv=r.conv1, norm=r.bn1, relu=r.relu, pool=r.maxpool))
    stages = [(name, getattr(r, name)) for name in ("layer1", "layer2", "layer3", "layer4")]
    tail = [("pool", r.avgpool), ("flatten", nn.Flatten()), ("head", r.fc)]
    return _channels_last(with_batch_statistics(nn.Sequential(OrderedDict([("stem", stem), *stages, *tail]))))


def with_batch_statistics(model: nn.Sequential) -> nn.Sequential:
    """The same model, changed in place: its batch normalisations forget their running averages and keep none."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return model


def mlp(inputs: int = 1, outputs: int = 1, hidden: int = 40) -> nn.Sequential:
    """The MAML paper's regressor: two hidden layers with ReLU, a linear head. (N, inputs) → (N, outputs); 3 layers."""
    return nn.Sequential(
        OrderedDict(
            hidden1=nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU()),
            hidden2=nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU()),
            head=nn.Linear(hidden, outputs),
        )
    )


def build_model(config: MetaTrainConfig, size: int, channels: int, outputs: int | None = None) -> nn.Sequential:
    """The untrained backbone of a study; the initial weights follow from config.seed.

    size, channels: of the images (N, channels, size, size); for the mlp, size is the number of inputs. outputs: of the
    head; None: config.ways.
    """
    outputs = config.ways if outputs is None else outputs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.backbone == "conv4":
            return conv4(outputs, config.filters, channels, size)
        if config.backbone == "resnet12":
            return resnet12(outputs, config.filters, channels)
        if config.backbone == "mlp":
            return mlp(size, outputs, config.filters)
    raise ModelError(f"no backbone is named {config.backbone!r}; there are conv4, resnet12 and mlp")


def start_from(model: nn.Sequential, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights`, those of the same backbone with any head, into `model`, in place.

    Every row of the head becomes the mean of theirs, so that no class starts with anything of its own (Ye and Chao
    2022, arXiv 2106.16245). Raises ModelError naming the first tensor that is missing or of another shape.
    """
    head = f"{list(dict(model.named_children()))[-1]}."
    with torch.no_grad():
        for name, own in model.state_dict().items():
            if name not in weights:
                raise ModelError(f"the weights to start from lack {name}: they are those of another backbone")
            value = weights[name]
            if name.startswith(head):
                value = value.mean(0, keepdim=True).expand(len(own), *value.shape[1:])
            if value.shape != own.shape:
                raise ModelError(
                    f"the weights to start from have {name} as {tuple(value.shape)}, not {tuple(own.shape)}"
                )
            own.copy_(value)


@dataclass(frozen=True)
class Layer:
    """A named child that owns parameters, with the parameterless children that follow it."""

    name: str
    module: nn.Module
    tail: tuple[nn.Module, ...]

    @cached_property
    def chain(self) -> Chain | None:
        """The layer with its passes written out, or None where it must go through autograd."""
        return chain_of(self.module, self.tail)

    def fixed(self, x: Tensor) -> Callable[[Weights], Tensor]:
        """`forward` without gradients for one input that stays the same under many weights."""
        return self.chain.fixed(x) if self.chain else lambda weights: self.forward(weights, x)

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


def layer_costs(model: nn.Sequential | Backbone, inputs: Tensor) -> list[int]:
    """Multiply-adds of each layer's forward pass for the batch `inputs`, counted from what runs."""
    return layer_products(model, inputs)[0]


def layer_products(model: nn.Sequential | Backbone, inputs: Tensor) -> tuple[list[int], list[int]]:
    """`layer_costs`, and the multiply-adds that backward needs inside each layer to reach all of its own weights and no
    further: none for a layer of one convolution or linear map, those between the convolutions of a residual block.
    """
    counts = list(_each_layers_products(model, inputs))
    return [forward for forward, _ in counts], [inner for _, inner in counts]


def _each_layers_products(model: nn.Sequential | Backbone, inputs: Tensor) -> Iterator[tuple[int, int]]:
    backbone = model if isinstance(model, Backbone) else Backbone.of(model)
    x = backbone.enter(inputs)
    for layer in backbone.layers:
        yield _count_multiply_adds(layer, x)
        with torch.no_grad():
            x = layer.forward(dict(layer.module.named_parameters()), x)


def _count_multiply_adds(layer: Layer, x: Tensor) -> tuple[int, int]:
    """(forward, inner) of one layer; autograd itself says whose input needs a gradient."""
    total = inner = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total, inner
        if isinstance(module, nn.Conv2d):
            cost = output.numel() * module.in_channels // module.groups * math.prod(module.kernel_size)
        elif isinstance(module, nn.Linear):
            cost = output.numel() * module.in_features
        else:
            return
        total += cost
        inner += cost if inputs[0].requires_grad else 0

    hooks = [module.register_forward_hook(count) for module in layer.module.modules()]
    own = {name: value.detach().requires_grad_() for name, value in layer.module.named_parameters()}
    try:
        with torch.enable_grad():
            functional_call(layer.module, own, (x.detach(),))
    finally:
        for hook in hooks:
            hook.remove()
    return total, inner


def _conv_block(channels: int, filters: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=NormPool(filters)))


def _channels_last(model: nn.Sequential) -> nn.Sequential:
    # Two to four times faster on a CPU than the default format for these small batches.
    return model.to(memory_format=torch.channels_last)


def _parts(module: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential):
            yield from _parts(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, track_running_stats=False)


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
