"""Which models the compiled loop serves: blocks of convolution, normalisation, pooling, and a linear head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from lambda_core.kernels import Convolution, Flattening, LayerPasses, LinearMap, NormPoolPass, Weights


@dataclass(frozen=True)
class ConvBlock:
    """A 3×3 convolution of stride and padding 1 without bias, then `NormPool`. names: of filters, scale and shift."""

    height: int
    width: int
    channels: int
    filters: int
    eps: float
    names: tuple[str, str, str]

    @property
    def places(self) -> int:
        """Of an image, before pooling."""
        return self.height * self.width

    @property
    def pooled_places(self) -> int:
        """Of an image, after pooling."""
        return (self.height // 2) * (self.width // 2)


@dataclass(frozen=True)
class ConvNetwork:
    """Such blocks, then a linear head; sizes are those of one input's shape.

    features, ways: inputs and outputs of the head; head_names: of its weight and bias; has_bias: whether there is one.
    """

    blocks: tuple[ConvBlock, ...]
    features: int
    ways: int
    head_names: tuple[str, str]
    has_bias: bool

    @classmethod
    def of(
        cls, passes: Sequence[LayerPasses | None], weights: Sequence[Weights], shape: Sequence[int]
    ) -> ConvNetwork | None:
        """passes, weights: a layer each, in order; shape: of the images (N, C, H, W). None for any other network."""
        if any(each is None for each in passes) or len(shape) != 4 or len(passes) < 2:
            return None
        blocks: list[ConvBlock] = []
        _, channels, height, width = shape
        for each, own in zip(passes[:-1], weights[:-1], strict=True):
            block = _block(each, own, height, width) if each is not None else None
            if block is None or block.channels != channels or min(height, width) < 2:
                return None
            blocks.append(block)
            channels, height, width = block.filters, height // 2, width // 2
        flat = _flattens(passes[-2]) or (_flattens(passes[-1], first=True))
        head = _head(passes[-1])
        if head is None or not flat or set(weights[-1]) - {head.weight, head.bias}:
            return None
        ways, features = weights[-1][head.weight].shape
        if features != channels * height * width:
            return None
        return cls(tuple(blocks), features, ways, (head.weight, head.bias), head.bias in weights[-1])

    @cached_property
    def starts(self) -> tuple[tuple[int, int, int], ...]:
        """Where filters, scale and shift of each layer begin in one flat row of all weights; −1: there are none."""
        found, place = [], 0
        for block in self.blocks:
            filters = 9 * block.channels * block.filters
            found.append((place, place + filters, place + filters + block.filters))
            place += filters + 2 * block.filters
        bias = place + self.ways * self.features
        return (*found, (place, -1, bias if self.has_bias else -1))

    @cached_property
    def size(self) -> int:
        """Weights in all."""
        return self.starts[-1][0] + self.ways * (self.features + self.has_bias)

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Where each layer begins in that row, and its end."""
        return (*(start[0] for start in self.starts), self.size)

    def arrays(self, flat: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
        """The parts of such a row as matrices and rows: filters (o, 9·c), scale, shift; of the head weight, bias."""
        found: list[tuple[NDArray[Any], ...]] = []
        for block, (filters, scale, shift) in zip(self.blocks, self.starts, strict=False):
            end = shift + block.filters
            found.append((flat[filters:scale].reshape(block.filters, -1), flat[scale:shift], flat[shift:end]))
        head, end = self.starts[-1][0], self.starts[-1][0] + self.ways * self.features
        return [*found, (flat[head:end].reshape(self.ways, self.features), flat[end : self.size])]

    def views(self, flat: Tensor) -> list[Tensor]:
        """The parts of such a row in the shapes that the layers' weights have, in order, but the head's weight as
        (ways, channels, height, width).
        """
        found: list[Tensor] = []
        for block, (filters, scale, shift) in zip(self.blocks, self.starts, strict=False):
            shape = (block.filters, 3, 3, block.channels)
            found.append(flat[filters:scale].view(shape).permute(0, 3, 1, 2))
            found += [flat[scale:shift], flat[shift : shift + block.filters]]
        return found + self._head_views(flat[self.starts[-1][0] :])

    def pairs(self, views: list[Tensor], weights: list[Weights]) -> tuple[list[Tensor], list[Tensor]]:
        """`views`, and the values that belong there."""
        values = [own[name] for block, own in zip(self.blocks, weights, strict=False) for name in block.names]
        weight, bias = (weights[-1].get(name) for name in self.head_names)
        assert weight is not None
        values.append(weight.reshape(views[len(values)].shape))
        return views, values if bias is None else [*values, bias]

    def weights(self, flat: Tensor, start: int) -> list[Weights]:
        """The row from `start`, where a layer begins, as the layers' weights: views of it, but for the head's weight.

        Layers below have none.
        """
        found: list[Weights] = []
        for block, (filters, scale, shift) in zip(self.blocks, self.starts, strict=False):
            if filters < start:
                found.append({})
                continue
            shape = (block.filters, 3, 3, block.channels)
            parts = (
                flat[filters - start : scale - start].view(shape).permute(0, 3, 1, 2),
                flat[scale - start : shift - start],
                flat[shift - start : shift - start + block.filters],
            )
            found.append(dict(zip(block.names, parts, strict=True)))
        weight, *bias = self._head_views(flat[self.starts[-1][0] - start :])
        names = self.head_names if self.has_bias else self.head_names[:1]
        return [*found, dict(zip(names, (weight.reshape(self.ways, self.features), *bias), strict=True))]

    def _head_views(self, flat: Tensor) -> list[Tensor]:
        last = self.blocks[-1]
        shape = (self.ways, last.height // 2, last.width // 2, last.filters)
        weight = flat[: self.ways * self.features].view(shape).permute(0, 3, 1, 2)
        return [weight, flat[self.ways * self.features :]] if self.has_bias else [weight]


def _block(passes: LayerPasses, weights: Weights, height: int, width: int) -> ConvBlock | None:
    conv, norm = (*passes.passes, None, None)[:2]
    rest = passes.passes[2:]
    if not (isinstance(conv, Convolution) and conv.plain and isinstance(norm, NormPoolPass)):
        return None
    names = (conv.weight, norm.weight, norm.bias)
    if set(weights) != set(names) or not all(isinstance(each, Flattening) for each in rest):
        return None
    o, c = weights[conv.weight].shape[:2]
    return ConvBlock(height, width, c, o, norm.module.eps, names)


def _head(passes: LayerPasses | None) -> LinearMap | None:
    last = passes.passes[-1] if passes else None
    alone = passes is not None and all(isinstance(each, Flattening) for each in passes.passes[:-1])
    return last if isinstance(last, LinearMap) and alone else None


def _flattens(passes: LayerPasses | None, *, first: bool = False) -> bool:
    place = 0 if first else -1
    return passes is not None and isinstance(passes.passes[place], Flattening)
