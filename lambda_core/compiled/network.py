"""Which models the compiled loop serves: blocks of convolution, normalisation, pooling, and a linear head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lambda_core.kernels import Convolution, Flattening, LayerPasses, LinearMap, NormPoolPass, Weights


@dataclass(frozen=True)
class ConvNorm:
    """A convolution of size × size places that keeps height and width, without bias, and a batch normalisation.

    names: of filters, scale and shift.
    """

    height: int
    width: int
    channels: int
    filters: int
    eps: float
    names: tuple[str, str, str]
    size: int = 3

    @property
    def places(self) -> int:
        """Of an image, before pooling."""
        return self.height * self.width

    @property
    def pooled_places(self) -> int:
        """Of an image, after 2×2 pooling."""
        return (self.height // 2) * (self.width // 2)

    @property
    def taps(self) -> int:
        """So many numbers of its input does each output see."""
        return self.size**2 * self.channels


@dataclass(frozen=True)
class Network:
    """Blocks of convolutions, then a linear head; sizes are those of one input's shape.

    blocks: the convolutions of each; head_image: height and width of what the head is given, with all its channels;
    ways: outputs of the head; head_names: of its weight and bias; has_bias: whether there is one.
    """

    blocks: tuple[tuple[ConvNorm, ...], ...]
    head_image: tuple[int, int]
    ways: int
    head_names: tuple[str, str]
    has_bias: bool

    @property
    def features(self) -> int:
        """Inputs of the head."""
        return self.head_image[0] * self.head_image[1] * self.blocks[-1][-1].filters

    @property
    def sizes(self) -> list[int]:
        """So many weights has each layer."""
        blocks = [sum(each.filters * (each.taps + 2) for each in block) for block in self.blocks]
        return [*blocks, self.ways * (self.features + self.has_bias)]


@dataclass(frozen=True)
class ConvNetwork(Network):
    """Blocks of one 3×3 convolution, then `NormPool`."""

    @classmethod
    def of(
        cls, passes: Sequence[LayerPasses | None], weights: Sequence[Weights], shape: Sequence[int]
    ) -> ConvNetwork | None:
        """passes, weights: a layer each, in order; shape: of the images (N, C, H, W). None for any other network."""
        if any(each is None for each in passes) or len(shape) != 4 or len(passes) < 2:
            return None
        blocks: list[tuple[ConvNorm, ...]] = []
        _, channels, height, width = shape
        for each, own in zip(passes[:-1], weights[:-1], strict=True):
            block = _block(each, own, height, width) if each is not None else None
            if block is None or block.channels != channels or min(height, width) < 2:
                return None
            blocks.append((block,))
            channels, height, width = block.filters, height // 2, width // 2
        flat = _flattens(passes[-2]) or (_flattens(passes[-1], first=True))
        head = linear_head(passes[-1], weights[-1])
        if head is None or not flat or weights[-1][head.weight].shape[1] != channels * height * width:
            return None
        ways = len(weights[-1][head.weight])
        return cls(tuple(blocks), (height, width), ways, (head.weight, head.bias), head.bias in weights[-1])


def linear_head(passes: LayerPasses | None, weights: Weights) -> LinearMap | None:
    """The last layer's linear map, where there is nothing else in it but flattening, and no other weight."""
    last = passes.passes[-1] if passes else None
    alone = passes is not None and all(isinstance(each, Flattening) for each in passes.passes[:-1])
    if not (isinstance(last, LinearMap) and alone) or set(weights) - {last.weight, last.bias}:
        return None
    return last


def _block(passes: LayerPasses, weights: Weights, height: int, width: int) -> ConvNorm | None:
    conv, norm = (*passes.passes, None, None)[:2]
    rest = passes.passes[2:]
    if not (isinstance(conv, Convolution) and conv.plain and isinstance(norm, NormPoolPass)):
        return None
    names = (conv.weight, norm.weight, norm.bias)
    if set(weights) != set(names) or not all(isinstance(each, Flattening) for each in rest):
        return None
    o, c = weights[conv.weight].shape[:2]
    return ConvNorm(height, width, c, o, norm.module.eps, names)


def _flattens(passes: LayerPasses | None, *, first: bool = False) -> bool:
    place = 0 if first else -1
    return passes is not None and isinstance(passes.passes[place], Flattening)
