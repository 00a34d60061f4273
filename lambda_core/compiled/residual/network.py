"""Which residual networks the compiled loop serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from lambda_core.backbones import Layer, ResidualBlock
from lambda_core.compiled.network import ConvNorm, Network, linear_head
from lambda_core.kernels import Weights, calls_nothing_else

PARTS = (*(nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU) * 2, nn.Conv2d, nn.BatchNorm2d)  # of a block's body


@dataclass(frozen=True)
class ResidualNetwork(Network):
    """`ResidualBlock`s, the mean over places and a linear head: ResNet-12. Of a block's convolutions the shortcut's is
    the last.
    """

    @classmethod
    def of(cls, layers: Sequence[Layer], weights: Sequence[Weights], shape: Sequence[int]) -> ResidualNetwork | None:
        """weights: a dictionary a layer; shape: of the images (N, C, H, W). None for any other network."""
        if len(shape) != 4 or len(layers) < 2 or any(layer.trailing for layer in layers[:-2]):
            return None
        blocks: list[tuple[ConvNorm, ...]] = []
        _, channels, height, width = shape
        for layer, own in zip(layers[:-1], weights[:-1], strict=True):
            block = _block(layer.module, own, height, width)
            if not block or block[0].channels != channels or min(height, width) < 2:
                return None
            blocks.append(block)
            channels, height, width = block[-1].filters, height // 2, width // 2
        head = linear_head(layers[-1].passes, weights[-1])
        if head is None or not _is_mean(layers[-2].trailing) or weights[-1][head.weight].shape[1] != channels:
            return None
        return cls(
            tuple(blocks), (1, 1), len(weights[-1][head.weight]), (head.weight, head.bias), head.bias in weights[-1]
        )


def _block(block: nn.Module, weights: Weights, height: int, width: int) -> tuple[ConvNorm, ...]:
    """The four convolutions of a residual block; none of any other module."""
    if type(block) is not ResidualBlock or not all(map(calls_nothing_else, block.modules())):
        return ()
    body, shortcut = list(block.body), list(block.shortcut)
    if tuple(map(type, body)) != PARTS or tuple(map(type, shortcut)) != PARTS[-2:]:
        return ()
    if any(each.negative_slope != ResidualBlock.SLOPE for each in body if isinstance(each, nn.LeakyReLU)):
        return ()
    places = [("body", 0), ("body", 3), ("body", 6), ("shortcut", 0)]
    convs = [_conv_norm(getattr(block, part), part, place, height, width) for part, place in places]
    known = tuple(each for each in convs if each is not None)
    names = {name for each in known for name in each.names}
    fits = [each.size for each in known] == [3, 3, 3, 1] and _follow_each_other(known)
    return known if fits and names == set(weights) else ()


def _conv_norm(part: nn.Sequential, name: str, place: int, height: int, width: int) -> ConvNorm | None:
    conv: Any = part[place]
    norm: Any = part[place + 1]
    size = conv.kernel_size[0]
    how = (conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups, conv.padding_mode, conv.bias)
    keeps_size = how == ((size, size), (1, 1), (size // 2, size // 2), (1, 1), 1, "zeros", None)
    if not keeps_size or not norm.affine or norm.running_mean is not None:
        return None
    names = (f"{name}.{place}.weight", f"{name}.{place + 1}.weight", f"{name}.{place + 1}.bias")
    return ConvNorm(height, width, conv.in_channels, conv.out_channels, norm.eps, names, size)


def _follow_each_other(convs: tuple[ConvNorm, ...]) -> bool:
    first, second, third, shortcut = convs
    row = first.filters == second.channels and second.filters == third.channels
    return row and (shortcut.channels, shortcut.filters) == (first.channels, third.filters)


def _is_mean(trailing: tuple[nn.Module, ...]) -> bool:
    """Whether the modules are the mean over places, flattened."""
    pool, flat = (*trailing, None, None)[:2]
    if len(trailing) != 2 or type(pool) is not nn.AdaptiveAvgPool2d or type(flat) is not nn.Flatten:
        return False
    plain = calls_nothing_else(pool) and calls_nothing_else(flat)
    return plain and pool.output_size in (1, (1, 1)) and (flat.start_dim, flat.end_dim) == (1, -1)
