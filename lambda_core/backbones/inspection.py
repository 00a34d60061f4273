"""Is a model one that can be adapted exactly? If not, one sentence: what was found, where, what to do instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.parameter import is_lazy

from lambda_core.backbones.blocks import Normalise, Residual, ResidualBlock
from lambda_core.errors import ModelError
from lambda_core.kernels import NormPool, calls_nothing_else

# modules of torch's own that give the same output for the same input, whatever was called before
_NAMES = """
Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Linear Identity Flatten Unflatten
ReLU ReLU6 LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Tanh Sigmoid LogSigmoid Softplus Softsign Hardtanh Hardswish
Hardsigmoid Softmax LogSoftmax Tanhshrink Softshrink Hardshrink Threshold GLU
MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d
AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d
BatchNorm1d BatchNorm2d BatchNorm3d GroupNorm LayerNorm RMSNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d
LocalResponseNorm ZeroPad1d ZeroPad2d ZeroPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d
ReflectionPad2d ReplicationPad1d ReplicationPad2d Upsample PixelShuffle PixelUnshuffle Dropout Dropout1d Dropout2d
Dropout3d AlphaDropout FeatureAlphaDropout
"""
# dropouts and running statistics in training mode are refused beforehand
REPEATABLE = {NormPool, Normalise, Residual, ResidualBlock, *(getattr(nn, name) for name in _NAMES.split())}


def check_adaptable(model: Any) -> None:
    """Raises ModelError for what is no plain row of layers, or holds what would make restarts inexact.

    What only shows when a layer is called (randomness by another name, tuples) is found then, by `ModuleCall`.
    """
    if not isinstance(model, nn.Sequential):
        raise ModelError(
            f"the backbone must be an nn.Sequential of named layers, not {type(model).__name__}; "
            "lambda_core.layers_of(model, …) makes one of many other models"
        )
    if not is_plain_row(model):
        raise ModelError(
            f"the backbone, a {type(model).__name__}, does more when it is called than run its children in turn (a "
            "forward of its own, or hooks): put it, or what it adds, inside a layer of a plain nn.Sequential"
        )
    _check_parameters(model)
    for place, module in model.named_modules():
        if module.training:
            _check_training_mode(place, module)


def is_plain_row(module: nn.Module) -> bool:
    """Whether calling the module runs its children, each with the output of the one before, and nothing else."""
    plain = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    same_children = getattr(type(module), "__iter__", None) is nn.Sequential.__iter__
    return plain and same_children and calls_nothing_else(module)


def is_known_repeatable(module: nn.Module) -> bool:
    """Whether every module inside is one of these, called as its class says; others must be tried out."""
    return all(type(each) in REPEATABLE or type(each) is nn.Sequential for each in module.modules()) and all(
        map(calls_nothing_else, module.modules())
    )


def _check_parameters(model: nn.Module) -> None:
    owners: dict[int, str] = {}
    for name, parameter in _all_parameters(model):
        if is_lazy(parameter):
            raise ModelError(f"{name} has no shape yet: call the model once before it is adapted")
        first = owners.setdefault(id(parameter), name)
        if first != name:
            raise ModelError(f"{name} shares its parameters with {first}: a pattern could not freeze one of them")
        if parameter._backward_hooks:
            raise ModelError(f"{name} has a gradient hook, which adapted weights would not have; remove it first")


def _all_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Every parameter at every place where it is used."""
    for place, module in model.named_modules(remove_duplicate=False):
        for key, parameter in module._parameters.items():
            if parameter is not None:
                yield f"{place}.{key}", parameter


def _check_training_mode(place: str, module: nn.Module) -> None:
    if isinstance(module, _DropoutNd) and module.p > 0:
        raise ModelError(f"{place} is a dropout in training mode: its activations cannot be reused; call .eval()")
    if isinstance(module, _NormBase) and module.track_running_stats:
        raise ModelError(f"{place} tracks running statistics; build it with track_running_stats=False, or call .eval()")
