"""Which models the compiled loop serves: blocks of convolution, normalisation, pooling, and a linear head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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

    @property
    def sizes(self) -> list[int]:
        """So many weights has each layer."""
        blocks = [block.filters * (9 * block.channels + 2) for block in self.blocks]
        return [*blocks, self.ways * (self.features + self.has_bias)]


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
