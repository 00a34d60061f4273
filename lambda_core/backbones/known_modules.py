"""Modules of torch's own that give the same output for the same input, whatever was called before."""

from __future__ import annotations

from torch import nn

from lambda_core.backbones.networks import ResidualBlock
from lambda_core.kernels import NormPool, calls_nothing_else

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
# dropouts and running statistics in training mode are refused beforehand (inspection.py)
REPEATABLE = {NormPool, ResidualBlock, *(getattr(nn, name) for name in _NAMES.split())}


def is_known_repeatable(module: nn.Module) -> bool:
    """Whether every module inside is one of these, called as its class says; others must be tried out."""
    return all(type(each) in REPEATABLE or _is_plain_row(each) for each in module.modules()) and all(
        map(calls_nothing_else, module.modules())
    )


def _is_plain_row(module: nn.Module) -> bool:
    return type(module) is nn.Sequential
