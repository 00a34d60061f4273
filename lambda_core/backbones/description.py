"""A network as plain values and back: what study.json holds of a network of a user's, so that no code is needed for it.

Modules of the types below are written as their arguments. Reading trusts nothing: other types, arguments and sizes are
refused, and the network is made without memory (on torch's meta device) until its weights are found to fit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lambda_core.backbones.blocks import Normalise, Residual, ResidualBlock
from lambda_core.backbones.weights import fill
from lambda_core.errors import ModelError
from lambda_core.kernels import NormPool, calls_nothing_else

Values = dict[str, Any]
MOST_MODULES, DEEPEST = 2000, 20
WIDEST, LARGEST_WINDOW = 1 << 16, 64  # channels or features; kernels, strides, paddings and outputs of a pooling
WORDS = {"zeros", "reflect", "replicate", "circular", "same", "valid", "none", "tanh"}

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_WINDOWS = {"kernel_size", "stride", "padding", "dilation", "output_size"}
_ARGUMENTS: dict[type[nn.Module], str] = {
    nn.Conv2d: "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode",
    nn.Linear: "in_features out_features bias",
    nn.BatchNorm1d: "num_features eps momentum affine track_running_stats",
    nn.BatchNorm2d: "num_features eps momentum affine track_running_stats",
    nn.GroupNorm: "num_groups num_channels eps affine",
    nn.LayerNorm: "normalized_shape eps elementwise_affine bias",
    nn.ReLU: "",
    nn.ReLU6: "",
    nn.LeakyReLU: "negative_slope",
    nn.ELU: "alpha",
    nn.GELU: "approximate",
    nn.SiLU: "",
    nn.Hardswish: "",
    nn.Hardsigmoid: "",
    nn.Tanh: "",
    nn.Sigmoid: "",
    nn.Identity: "",
    nn.MaxPool2d: "kernel_size stride padding dilation ceil_mode",
    nn.AvgPool2d: "kernel_size stride padding ceil_mode count_include_pad",
    nn.AdaptiveAvgPool2d: "output_size",
    nn.AdaptiveMaxPool2d: "output_size",
    nn.ZeroPad2d: "padding",
    nn.Flatten: "start_dim end_dim",
    nn.Dropout: "p",
    nn.Dropout2d: "p",
    NormPool: "channels eps",
    ResidualBlock: "channels filters",
    Normalise: "mean std",
}
_CONTAINERS = (nn.Sequential, Residual)
_TYPES: dict[str, type[nn.Module]] = {kind.__name__: kind for kind in (*_ARGUMENTS, *_CONTAINERS)}
# arguments that a module does not keep under their own name
_FOUND_OTHERWISE: dict[tuple[type[nn.Module], str], Callable[[Any], Any]] = {
    (nn.Conv2d, "bias"): lambda module: module.bias is not None,
    (nn.Linear, "bias"): lambda module: module.bias is not None,
    (nn.LayerNorm, "bias"): lambda module: module.bias is not None,
    (NormPool, "channels"): lambda module: len(module.weight),
    (ResidualBlock, "channels"): lambda module: module.shortcut[0].in_channels,
    (ResidualBlock, "filters"): lambda module: module.shortcut[0].out_channels,
}


def described(model: nn.Sequential) -> Values | None:
    """The network as values for JSON, without its weights; None where code is needed to make it again.

    Not described: modules of other types, with hooks or a `forward` of their own, used twice, or in several modes.
    """
    modules = list(model.modules())
    used = sum(len(module._modules) for module in modules)
    one_mode = len({module.training for module in modules}) == 1
    if not one_mode or used != len(modules) - 1 or not all(map(_is_known, modules)):
        return None
    values = {
        "training": model.training,
        "channels_last": any(map(_is_channels_last, model.parameters())),
        "frozen": [name for name, value in model.named_parameters() if not value.requires_grad],
        "modules": _children(model),
    }
    return values if _is_made_again(values, model) else None


def from_description(values: Any, weights: Mapping[str, Tensor]) -> nn.Sequential:
    """The network of `described`, with these weights, as its own in float32. Raises ModelError."""
    model = _made(values)
    wanted = model.state_dict()
    if sum(math.prod(value.shape) for value in wanted.values()) > sum(value.numel() for value in weights.values()):
        raise ModelError("the network has more weights than its file")
    fill(model, weights, assign=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in values["frozen"])
    model.train(values["training"])
    return model.to(memory_format=torch.channels_last) if values["channels_last"] else model


def _is_channels_last(value: Tensor) -> bool:
    return value.dim() == 4 and value.stride(1) == 1 and value.shape[2:].numel() > 1


def _is_known(module: nn.Module) -> bool:
    return (type(module) in _ARGUMENTS or type(module) in _CONTAINERS) and calls_nothing_else(module)


def _is_made_again(values: Values, model: nn.Sequential) -> bool:
    """Whether what is made from the description has the tensors of the model: nobody has changed a module since."""
    try:
        again = _made(values)
    except ModelError:
        return False
    shapes = [{name: value.shape for name, value in each.state_dict().items()} for each in (again, model)]
    return shapes[0] == shapes[1]


def _children(module: nn.Module) -> list[Values]:
    return [{"name": name} | _described(child) for name, child in module._modules.items() if child is not None]


def _described(module: nn.Module) -> Values:
    kind = type(module)
    if kind in _CONTAINERS:
        return {"type": kind.__name__, "modules": _children(module)}
    return {"type": kind.__name__, "arguments": {name: _argument(module, name) for name in _ARGUMENTS[kind].split()}}


def _argument(module: nn.Module, name: str) -> Any:
    found = _FOUND_OTHERWISE.get((type(module), name), lambda each: getattr(each, name))(module)
    return list(found) if isinstance(found, tuple) else found


def _made(values: Any) -> nn.Sequential:
    """The network without memory, in no mode yet."""
    kinds = {"training": bool, "channels_last": bool, "frozen": list, "modules": list}
    if not isinstance(values, dict) or any(type(values.get(key)) is not kind for key, kind in kinds.items()):
        raise ModelError(f"a network is an object with {', '.join(kinds)}")
    try:
        with torch.device("meta"):
            return _row(_named(values["modules"], [MOST_MODULES], DEEPEST))
    except ModelError:
        raise
    except Exception as error:  # torch checks arguments and names by raising what it likes
        raise ModelError(f"a module cannot be made: {str(error).splitlines()[0][:200]}") from error


def _named(entries: Any, left: list[int], depth: int) -> dict[str, nn.Module]:
    """The children of a container by name. left: how many modules may still be made."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ModelError("the modules of a container are a list of objects")
    left[0] -= len(entries)
    if left[0] < 0 or depth == 0:
        raise ModelError(f"a network has at most {MOST_MODULES} modules, {DEEPEST} deep")
    names = [entry.get("name") for entry in entries]
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise ModelError("the name of a module is of letters, digits, _ and -")
    if len(set(names)) != len(names):
        raise ModelError("two modules of a container have one name")
    return dict(zip(names, (_module(entry, left, depth - 1) for entry in entries), strict=True))


def _module(entry: Values, left: list[int], depth: int) -> nn.Module:
    kind = _TYPES.get(str(entry.get("type")))
    if kind is None:
        raise ModelError(f"{str(entry.get('type'))[:80]!r} is no module that is made from a description")
    if kind in _CONTAINERS:
        children = _named(entry.get("modules"), left, depth)
        return _container(kind, children)
    arguments = entry.get("arguments")
    if not isinstance(arguments, dict) or list(arguments) != _ARGUMENTS[kind].split():
        raise ModelError(f"{kind.__name__} takes the arguments {_ARGUMENTS[kind] or 'none'}")
    return kind(**{name: _right(kind, name, value) for name, value in arguments.items()})


def _container(kind: type[nn.Module], children: dict[str, nn.Module]) -> nn.Module:
    if kind is nn.Sequential:
        return _row(children)
    if not {"body"} <= children.keys() <= {"body", "shortcut"}:
        raise ModelError("Residual has a body, and may have a shortcut")
    return Residual(**children)


def _row(children: Mapping[str, nn.Module]) -> nn.Sequential:
    row = nn.Sequential()
    for name, child in children.items():
        row.add_module(name, child)
    return row


def _right(kind: type[nn.Module], name: str, value: Any) -> Any:
    """An argument as it is passed on. Raises ModelError for one that is no small plain value."""
    if isinstance(value, list) and 1 <= len(value) <= LARGEST_WINDOW:
        return tuple(_right(kind, name, each) for each in value if not isinstance(each, list))
    largest = LARGEST_WINDOW if name in _WINDOWS else WIDEST
    whole = type(value) is int and -1 <= value <= largest
    if value is None or isinstance(value, bool) or whole or (isinstance(value, str) and value in WORDS):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ModelError(f"{kind.__name__}: {name} cannot be {str(value)[:80]}")
