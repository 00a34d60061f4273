"""What the adaptation of a residual network works in: every array laid out before anything runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from lambda_core.backbones import ResidualBlock
from lambda_core.compiled.layouts import LINE_BYTES, FlatWeights, aligned_zeros
from lambda_core.compiled.network import ConvNorm
from lambda_core.compiled.residual.network import ResidualNetwork

Array = NDArray[Any]
Key = tuple[ResidualNetwork, int, int, torch.dtype]

BODY, SHORTCUT = (0, 1, 2), 3  # places of a block's convolutions


@dataclass(frozen=True)
class BlockBuffers:
    """Of one block; lists have an entry a convolution: the body's three, then the shortcut's. Lines: rows of images,
    channels last, (images · height, width · channels).
    """

    inputs: list[Array]  # images with a border of zeros, (images, height + 2, (width + 2) · channels)
    outputs: list[Array]  # likewise, the next one's input; empty for the last two, which are joined
    products: list[Array]  # lines
    moments: list[Array]  # (2, filters): mean and 1/σ of the product
    pooled: Array  # the next block's input; of the last block lines of each image
    margin: int  # the border around what is pooled
    chosen: Array  # lines of pooled places: which of four became the maximum; empty where no gradient is taken
    gradient: Array  # lines: that of what is pooled; likewise


class ResidualBuffers:
    """As `Buffers` of the compiled loop, which tells what its arguments, attributes and methods are."""

    def __init__(self, network: ResidualNetwork, images: int, lowest: int, dtype: torch.dtype) -> None:
        from lambda_core.compiled.residual.convolution import HALF_BYTES, ROW_BYTES

        self.key: Key = (network, images, lowest, dtype)
        self._numbers, self.kept_bytes = torch.empty(0, dtype=dtype).numpy().dtype, 0
        self._slope, self._row = self._numbers.type(ResidualBlock.SLOPE), ROW_BYTES // self._numbers.itemsize
        self._half = HALF_BYTES // self._numbers.itemsize
        self.weights = FlatWeights(network, self._numbers, HALF_BYTES)
        self.gradients = FlatWeights(network, self._numbers, HALF_BYTES, lowest)
        self._lay_out_workspace(network.blocks[:lowest], network.blocks[lowest:])
        self.workspace_bytes, self.kept_bytes = self.kept_bytes, self.gradients.row.nbytes + self.weights.plan_bytes
        first, last = network.blocks[0][0], network.blocks[-1][-1]
        x = self._zeros(images, first.height + 2, (first.width + 2) * first.channels)
        self.images = x
        self.blocks: list[BlockBuffers] = []
        for layer in range(len(network.blocks)):
            self.blocks.append(self._block(layer, x))
            x = self.blocks[-1].pooled
        self._last_places = x.reshape(images, -1, last.filters)
        self.features, self.to_features = self._zeros(images, last.filters), self._zeros(images, last.filters)
        self.nbytes = self.kept_bytes + self.workspace_bytes + self.weights.row.nbytes

    def forward(self, layer: int, weights: Sequence[Array]) -> None:
        """The output of a block, under weights that may be another's."""
        from lambda_core.compiled.residual.steps import forward, join

        own, convs = self.blocks[layer], self.key[0].blocks[layer]
        parts = [weights[3 * place : 3 * place + 3] for place in range(len(convs))]
        for conv, part, *arrays in zip(convs, parts, own.inputs, own.products, own.moments, own.outputs, strict=True):
            x, product, moments, out = arrays
            forward(x, *part, conv.eps, self._slope, conv.height, conv.width, conv.channels, product, moments, out)
        both = [(own.products[place], own.moments[place], *parts[place][1:]) for place in (BODY[-1], SHORTCUT)]
        last = convs[-1]
        join(*both[0], *both[1], self._slope, last.height, last.width, own.chosen, own.pooled, own.margin)
        if own is self.blocks[-1]:
            self._last_places.mean(1, out=self.features)

    def backward(self, layer: int, *, updated: bool, needs_input: bool) -> None:
        """From the gradient of a block's output to those of its weights, where `updated`, and of its input."""
        from lambda_core.compiled.residual.steps import through_rectifier, unjoin

        own, convs, (one, other) = self.blocks[layer], self.key[0].blocks[layer], self._gradients
        if own is self.blocks[-1]:
            spread = own.gradient.reshape(self._last_places.shape)
            spread[...] = self.to_features[:, None] / spread.shape[1]
        first, last, slope = convs[0], convs[-1], self._slope
        of_sum = self._lines(one, last, last.filters)
        unjoin(own.gradient, own.pooled, own.chosen, own.margin, slope, last.height, last.filters, of_sum)
        to_input = self.blocks[layer - 1].gradient if needs_input else self.to_features[:0]
        self._back(layer, SHORTCUT, of_sum, to_input, updated)
        for place, from_, to in ((2, one, other), (1, other, one), (0, one, other)):
            gradient = self._lines(from_, convs[place], convs[place].filters)
            if place < BODY[-1]:
                through_rectifier(gradient, own.outputs[place], convs[place].height, convs[place].filters, slope)
            to_x = self._lines(to, convs[place], convs[place].channels)
            self._back(layer, place, gradient, to_x if place > 0 or needs_input else to_x[:0], updated)
        if needs_input:
            to_input += self._lines(other, first, first.channels)

    def _back(self, layer: int, place: int, gradient: Array, to_x: Array, updated: bool) -> None:
        from lambda_core.compiled.residual.steps import backward

        own, conv, its = self.blocks[layer], self.key[0].blocks[layer][place], slice(3 * place, 3 * place + 3)
        filters, scale, _ = self.weights.arrays[layer][its]
        to_filters, to_scale, to_shift = self.gradients.arrays[layer][its]
        to_product = _cut(self._to_product, conv.height + 2, (conv.width + 2) * conv.filters)
        turned = _cut(self._turned, conv.size**2 * conv.filters, self._half_rows(conv.channels))
        backward(
            gradient, own.inputs[place], filters, scale, conv.height, conv.width, conv.channels, own.products[place],
            own.moments[place], to_filters if updated else to_filters[:0], to_scale, to_shift, to_product, turned,
            to_x,
        )  # fmt: skip

    def _lay_out_workspace(self, frozen: Sequence[tuple[ConvNorm, ...]], moved: Sequence[tuple[ConvNorm, ...]]) -> None:
        images, back = self.key[1], [conv for block in moved for conv in block]
        sizes = [images * conv.places * conv.filters for block in frozen for conv in block]
        self._products = [self._flat(max(sizes, default=0)) for _ in range(2)]  # of the body, of the shortcut
        sizes = [images * conv.places * max(conv.filters, conv.channels) for conv in back]
        self._gradients = [self._flat(max(sizes, default=0)) for _ in range(2)]
        sizes = [(conv.height + 2) * (conv.width + 2) * conv.filters for conv in back]
        self._to_product = self._flat(max(sizes, default=0))
        sizes = [conv.size**2 * conv.filters * self._half_rows(conv.channels) for conv in back]
        self._turned = self._flat(max(sizes, default=0))

    def _block(self, layer: int, x: Array) -> BlockBuffers:
        network, images, lowest, _ = self.key
        convs, frozen, is_last = network.blocks[layer], layer < lowest, layer == len(network.blocks) - 1
        last, margin = convs[-1], 0 if is_last else 1
        outputs = [self._image(conv) for conv in convs[: 1 if frozen else 2]]
        outputs = [outputs[0], outputs[-1]]  # where no gradient is taken, in the same place
        flat = [self._products[place == SHORTCUT] if frozen else self._flat(images * conv.places * conv.filters)
                for place, conv in enumerate(convs)]  # fmt: skip
        pooled = (last.height // 2, last.width // 2 * last.filters)
        lines = self._zeros(0 if frozen else images * pooled[0], pooled[1])
        return BlockBuffers(
            inputs=[x, *outputs, x],
            outputs=[*outputs, x[:0], x[:0]],
            products=[self._lines(each, conv, conv.filters) for each, conv in zip(flat, convs, strict=True)],
            moments=[self._zeros(2, conv.filters) for conv in convs],
            pooled=self._zeros(images, pooled[0] + 2 * margin, pooled[1] + 2 * margin * last.filters),
            margin=margin,
            chosen=lines,
            gradient=_cut(self._flat(lines.size), *lines.shape),
        )

    def _image(self, conv: ConvNorm) -> Array:
        return self._zeros(self.key[1], conv.height + 2, (conv.width + 2) * conv.filters)

    def _lines(self, flat: Array, conv: ConvNorm, channels: int) -> Array:
        return _cut(flat, self.key[1] * conv.height, conv.width * channels)

    def _half_rows(self, channels: int) -> int:
        """So many numbers that half rows of the kernel hold `channels` of them."""
        return -(-channels // self._half) * self._half

    def _flat(self, size: int) -> Array:
        """With room behind it for a row of the kernel."""
        return self._zeros(size + self._row if size else 0)

    def _zeros(self, *shape: int) -> Array:
        self.kept_bytes += math.prod(shape) * self._numbers.itemsize + LINE_BYTES
        return aligned_zeros(shape, self._numbers)


def _cut(flat: Array, *shape: int) -> Array:
    return flat[: math.prod(shape)].reshape(shape)
