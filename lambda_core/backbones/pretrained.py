"""Networks of other packages by name, made of modules that a study can describe, and their weights' names there.

The same functions as their own in evaluation mode (held so by tests/backbones/test_pretrained.py); the packages need
not be installed: a weights file is enough. Cut where the number of pixels or of channels changes; images come in as
episodes hold them, and are brought to ImageNet's units inside.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from lambda_core.backbones.blocks import IMAGENET, Normalise, Residual
from lambda_core.errors import ModelError

MOBILENET_STAGES = (  # expansion, channels, blocks, stride: Sandler et al. 2018, arXiv 1801.04381, table 2
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
RESNETS = {"resnet18": (False, (2, 2, 2, 2)), "resnet34": (False, (3, 4, 6, 3)), "resnet50": (True, (3, 4, 6, 3))}
LITE0 = "efficientnet_lite_pytorch:efficientnet_lite0"
LITE_STAGES = (  # expansion, channels, blocks, stride, size of the kernel: EfficientNet-Lite0
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)  # fmt: skip
NAMES = (*(f"torchvision:{name}" for name in ("mobilenet_v2", *RESNETS)), LITE0)
PREFIXES = tuple({f"{name.partition(':')[0]}:" for name in NAMES})  # the packages, none of which is imported

Named = tuple[nn.Module, str]  # a module that owns tensors, and its path in the other package's network


def pretrained_network(backbone: str, outputs: int, channels: int = 3) -> tuple[nn.Sequential, dict[str, str]]:
    """(the network with new weights in evaluation mode, its tensors' names → those in its package).

    backbone: such as torchvision:mobilenet_v2. outputs: of the head. Raises ModelError for a name that is not known
    here, and for other than colour images.
    """
    if backbone not in NAMES:
        raise ModelError(
            f"no network is named {backbone!r}; there are {', '.join(NAMES)}. Others: a function of your own that "
            "returns lambda_core.layers_of(model, …)"
        )
    if channels != 3:
        raise ModelError(f"{backbone} takes colour images (3 channels), not {channels}")
    name = backbone.partition(":")[2]
    made = {LITE0: _lite, "torchvision:mobilenet_v2": _mobilenet}.get(backbone)
    layers, theirs = made(outputs) if made else _resnet(*RESNETS[name], outputs)
    model = nn.Sequential(OrderedDict([("normalise", Normalise(**IMAGENET)), *layers]))
    return model.eval(), _tensor_names(model, theirs)


def in_our_names(weights: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """The package's weights under our names; what is missing there stays away, what is too many keeps its name."""
    ours = {theirs: name for name, theirs in names.items()}
    return {ours.get(name, name): value for name, value in weights.items()}


def _tensor_names(model: nn.Module, theirs: Iterable[Named]) -> dict[str, str]:
    paths = {id(module): path for module, path in theirs}
    return {
        f"{place}.{key}": f"{paths[id(module)]}.{key}"
        for place, module in model.named_modules()
        if id(module) in paths
        for key in (*module._parameters, *module._buffers)
        if module._parameters.get(key) is not None or module._buffers.get(key) is not None
    }


def _mobilenet(outputs: int) -> tuple[list[tuple[str, nn.Module]], list[Named]]:
    theirs: list[Named] = []
    stem = _conv_norm(3, 32, 3, 2, 1, nn.ReLU6(), ("features.0.0", "features.0.1"), theirs)
    layers: list[tuple[str, nn.Module]] = [("stem", stem)]
    channels, place = 32, 1
    for number, (expansion, width, blocks, stride) in enumerate(MOBILENET_STAGES, start=1):
        row: list[nn.Module] = []
        for block in range(blocks):
            path = f"features.{place}.conv"
            row.append(_inverted(channels, width, stride if block == 0 else 1, expansion, path, theirs))
            channels, place = width, place + 1
        layers.append((f"stage{number}", nn.Sequential(*row)))
    top = _conv_norm(320, 1280, 1, 1, 1, nn.ReLU6(), ("features.18.0", "features.18.1"), theirs)
    head = nn.Linear(1280, outputs)
    theirs.append((head, "classifier.1"))
    return [*layers, ("top", top), *_tail(head)], theirs


def _inverted(channels: int, width: int, stride: int, expansion: int, path: str, theirs: list[Named]) -> nn.Module:
    """Widened by a 1×1 convolution, 3×3 channel by channel, narrowed by another 1×1."""
    wide, parts, place = channels * expansion, [], 0
    if expansion > 1:
        parts.append(_conv_norm(channels, wide, 1, 1, 1, nn.ReLU6(), (f"{path}.0.0", f"{path}.0.1"), theirs))
        place = 1
    names = f"{path}.{place}.0", f"{path}.{place}.1"
    parts.append(_conv_norm(wide, wide, 3, stride, wide, nn.ReLU6(), names, theirs))
    parts.append(_conv_norm(wide, width, 1, 1, 1, None, (f"{path}.{place + 1}", f"{path}.{place + 2}"), theirs))
    body = nn.Sequential(*parts)
    return Residual(body) if stride == 1 and channels == width else body


def _lite(outputs: int) -> tuple[list[tuple[str, nn.Module]], list[Named]]:
    theirs: list[Named] = []
    stem = _lite_conv(3, 32, 3, 2, 1, ("_conv_stem", "_bn0"), theirs)
    layers: list[tuple[str, nn.Module]] = [("stem", stem)]
    channels, place = 32, 0
    for number, (expansion, width, blocks, stride, kernel) in enumerate(LITE_STAGES, start=1):
        row: list[nn.Module] = []
        for block in range(blocks):
            step = stride if block == 0 else 1
            row.append(_lite_block(channels, width, step, expansion, kernel, f"_blocks.{place}", theirs))
            channels, place = width, place + 1
        layers.append((f"stage{number}", nn.Sequential(*row)))
    top, head = _lite_conv(320, 1280, 1, 1, 1, ("_conv_head", "_bn1"), theirs), nn.Linear(1280, outputs)
    theirs.append((head, "_fc"))
    return [*layers, ("top", top), *_tail(head)], theirs


def _lite_block(
    channels: int, width: int, stride: int, expansion: int, kernel: int, path: str, theirs: list[Named]
) -> nn.Module:
    wide, parts = channels * expansion, []
    if expansion > 1:
        parts.append(_lite_conv(channels, wide, 1, 1, 1, (f"{path}._expand_conv", f"{path}._bn0"), theirs))
    depthwise = f"{path}._depthwise_conv", f"{path}._bn1"
    parts.append(_lite_conv(wide, wide, kernel, stride, wide, depthwise, theirs))
    project = f"{path}._project_conv", f"{path}._bn2"
    parts.append(_lite_conv(wide, width, 1, 1, 1, project, theirs, is_last=True))
    body = nn.Sequential(*parts)
    return Residual(body) if stride == 1 and channels == width else body


def _lite_conv(
    inputs: int, outputs: int, kernel: int, stride: int, groups: int, paths: tuple[str, str], theirs: list[Named],
    *, is_last: bool = False,
) -> nn.Sequential:  # fmt: skip
    """As `_conv_norm`, with zeros where TensorFlow has them: of an odd number the larger half behind."""
    row = _conv_norm(inputs, outputs, kernel, stride, groups, None if is_last else nn.ReLU6(), paths, theirs)
    conv, norm = row.conv, row.norm
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    norm.eps = 1e-3
    if stride == 1:
        return row
    before = (kernel - stride) // 2
    conv.padding = (0, 0)
    pad = nn.ZeroPad2d((before, kernel - stride - before) * 2)
    return nn.Sequential(OrderedDict([("pad", pad), *row.named_children()]))


def _resnet(is_deep: bool, blocks: tuple[int, ...], outputs: int) -> tuple[list[tuple[str, nn.Module]], list[Named]]:
    theirs: list[Named] = []
    stem = _conv_norm(3, 64, 7, 2, 1, nn.ReLU(), ("conv1", "bn1"), theirs)
    stem.add_module("pool", nn.MaxPool2d(3, 2, 1))
    layers: list[tuple[str, nn.Module]] = [("stem", stem)]
    channels, expansion = 64, 4 if is_deep else 1
    for number, count in enumerate(blocks, start=1):
        width, row = 32 << number, []
        for block in range(count):
            stride = 2 if number > 1 and block == 0 else 1
            path = f"layer{number}.{block}"
            row.append(_residual_block(channels, width, stride, expansion, path, theirs))
            channels = width * expansion
        layers.append((f"layer{number}", nn.Sequential(*row)))
    head = nn.Linear(channels, outputs)
    theirs.append((head, "fc"))
    return [*layers, *_tail(head)], theirs


def _residual_block(
    channels: int, width: int, stride: int, expansion: int, path: str, theirs: list[Named]
) -> nn.Sequential:
    """Two 3×3 convolutions, or 1×1, 3×3 and 1×1 (expansion 4), beside what came in (He et al. 2016)."""
    out = width * expansion
    sizes = [(channels, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
    if expansion == 1:
        sizes = [(channels, width, 3, stride), (width, width, 3, 1)]
    parts = []
    for number, (inputs, outputs, kernel, step) in enumerate(sizes, start=1):
        last = number == len(sizes)
        names = f"{path}.conv{number}", f"{path}.bn{number}"
        parts.append(_conv_norm(inputs, outputs, kernel, step, 1, None if last else nn.ReLU(), names, theirs))
    shortcut = None
    if stride > 1 or channels != out:
        names = f"{path}.downsample.0", f"{path}.downsample.1"
        shortcut = _conv_norm(channels, out, 1, stride, 1, None, names, theirs)
    return nn.Sequential(Residual(nn.Sequential(*parts), shortcut), nn.ReLU())


def _tail(head: nn.Linear) -> Iterator[tuple[str, nn.Module]]:
    """The dropout before MobileNet's and EfficientNet's head is off in evaluation mode, and left out."""
    yield from (("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("head", head))


def _conv_norm(
    inputs: int, outputs: int, kernel: int, stride: int, groups: int, then: nn.Module | None, paths: tuple[str, str],
    theirs: list[Named],
) -> nn.Sequential:  # fmt: skip
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    norm = nn.BatchNorm2d(outputs)
    theirs += [(conv, paths[0]), (norm, paths[1])]
    parts: Any = {"conv": conv, "norm": norm} | ({"act": then} if then else {})
    return nn.Sequential(OrderedDict(parts))
