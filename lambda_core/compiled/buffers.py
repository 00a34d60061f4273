"""What an adaptation works in: every array laid out before anything runs, so that it can be used again and counted.

Fresh memory of this size costs as much in page faults as the adaptation of a head.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from lambda_core.compiled.layouts import LINE_BYTES, FlatWeights, aligned_zeros
from lambda_core.compiled.network import ConvNetwork, ConvNorm, Network
from lambda_core.compiled.residual import ResidualBuffers, ResidualNetwork

Array = NDArray[Any]
Key = tuple[ConvNetwork, int, int, torch.dtype]

WAITING = 16  # buffers that wait to be used again, of all kinds together, and their bytes: memory stays flat
WAITING_BYTES = 64 << 20


@dataclass(frozen=True)
class BlockBuffers:
    """Of one block, channels last; a place: one of the height · width of an image. gradient: of `pooled`; gradient and
    raw are empty where none is taken. Rows of product and gradient have room for whole rows of the kernel.
    """

    x: Array  # (images, height + 2, (width + 2) · channels), with a border of zeros
    product: Array  # (places, filters); of a few rows of places where no gradient is taken
    moments: Array  # (2, filters): mean and 1/σ of the product
    raw: Array  # (pooled places, filters): what of the product became a maximum
    pooled: Array  # (images, height, width, filters): the inside of the next block's x, or the features
    margin: int  # the border around what is pooled
    gradient: Array  # (pooled places, filters)
    forward: tuple[int, Array]  # rows of places at once and workspace of the convolution, see `winograd.py`
    backward: tuple[int, Array]  # of the one that leads back to x


class Buffers:
    """Of an adaptation of `network` to so many `images`, where no layer below `lowest` is ever updated.

    Blocks below `lowest` keep nothing but their output: they are passed once, one after the other, in one workspace.
    Blocks above are gone through again by `forward` and `backward`, which take arrays of `FlatWeights`.
    images: the first block's x. kept_bytes: of what lives on from step to step or waits for the backward pass, without
    the weights; workspace_bytes: of what is only worked in; nbytes: all of it, with one set of weights.
    """

    def __init__(self, network: ConvNetwork, images: int, lowest: int, dtype: torch.dtype) -> None:
        from lambda_core.compiled.convolution import whole_rows
        from lambda_core.compiled.llvm import ROW_BYTES

        self.key: Key = (network, images, lowest, dtype)
        self._numbers = torch.empty(0, dtype=dtype).numpy().dtype
        self.weights = FlatWeights(network, self._numbers, ROW_BYTES)
        self.gradients = FlatWeights(network, self._numbers, ROW_BYTES, lowest)
        self._convs = [conv for (conv,) in network.blocks]
        sizes = {size for conv in self._convs for size in (conv.channels, conv.filters)}
        self._row = {each: whole_rows(each, self._numbers.itemsize) for each in sizes}
        inputs = [self._zeros(images, each.height + 2, each.width + 2, each.channels) for each in self._convs]
        outputs = [*inputs[1:], self._zeros(images, *network.head_image, self._convs[-1].filters)]
        frozen, moved = self._convs[:lowest], self._convs[lowest:]
        products = [self._forward(each)[0] * each.width * self._row[each.filters] for each in frozen]
        bordered = [(each.height + 2) * (each.width + 2) * self._row[each.filters] for each in moved]
        turned = [9 * self._row[each.filters] * self._row[each.channels] for each in moved[1:]]
        worked = [self._forward(each)[1] for each in self._convs] + [self._backward(each)[1] for each in moved[1:]]
        self._product, self._to_product, self._turned, self._workspace = (
            self._zeros(max(each, default=0)) for each in (products, bordered, turned, worked)
        )
        self.blocks = [
            self._block(place, block, images, place < lowest, inputs[place], outputs[place])
            for place, block in enumerate(self._convs)
        ]
        self.images = self.blocks[0].x
        self.features = outputs[-1].reshape(images, network.features)
        self.to_features = self.blocks[-1].gradient.reshape(-1, network.features)
        self.workspace_bytes = self._product.nbytes + self._to_product.nbytes + self._turned.nbytes
        self.workspace_bytes += self._workspace.nbytes
        own = [each for block in self.blocks for each in (block.moments, block.raw, block.gradient)]
        own += [block.product for block in self.blocks[lowest:]]
        alive = [each for each in (self.gradients.row, *inputs, outputs[-1], *own) if each.size]
        self.kept_bytes = sum(each.nbytes + LINE_BYTES for each in alive)
        self.kept_bytes += self.weights.plan_bytes
        self.nbytes = self.kept_bytes + self.workspace_bytes + self.weights.row.nbytes

    def _block(self, place: int, block: ConvNorm, images: int, frozen: bool, x: Array, pooled: Array) -> BlockBuffers:
        is_last, row = place == len(self._convs) - 1, self._row[block.filters]
        pooled_places = 0 if frozen else images * block.pooled_places
        (at_once, size), (back_at_once, back_size) = self._forward(block), self._backward(block)
        places = at_once * block.width if frozen else images * block.places
        product = self._product[: places * row] if frozen else self._zeros(places * row)
        return BlockBuffers(
            x=x.reshape(images, block.height + 2, -1),
            product=product.reshape(-1, row),
            moments=self._zeros(2, block.filters),
            raw=self._zeros(pooled_places, block.filters),
            pooled=pooled,
            margin=0 if is_last else 1,
            gradient=self._zeros(pooled_places, block.filters if is_last else row),
            forward=(at_once, self._workspace[:size]),
            backward=(back_at_once, self._workspace[:back_size]),
        )

    def forward(self, layer: int, weights: Sequence[Array]) -> None:
        """The output of a block, under weights that may be another's."""
        from lambda_core.compiled.steps import forward

        own, block = self.blocks[layer], self._convs[layer]
        forward(
            own.x, *weights, block.eps, block.height, block.width, block.channels,
            own.product, own.moments, own.raw, own.pooled, own.margin, *own.forward,
        )  # fmt: skip

    def backward(self, layer: int, *, updated: bool, needs_input: bool) -> None:
        """From the gradient of a block's output to those of its scale and shift, filters (if `updated`) and input."""
        from lambda_core.compiled.steps import backward

        own, block = self.blocks[layer], self._convs[layer]
        filters, scale, _ = self.weights.arrays[layer]
        to_filters, to_scale, to_shift = self.gradients.arrays[layer]
        to_x = self.blocks[layer - 1].gradient if needs_input else self.to_features[:0]
        backward(
            own.gradient, own.x, filters, scale, block.height, block.width, block.channels, own.product, own.moments,
            own.raw, own.pooled, own.margin, to_filters if updated else to_filters[:0], to_scale, to_shift,
            self.to_product_of(block), self.turned_of(block) if needs_input else to_x, to_x, *own.backward,
        )  # fmt: skip

    def _forward(self, block: ConvNorm) -> tuple[int, int]:
        from lambda_core.compiled.winograd import room_for

        return room_for(block.width, block.channels, self._row[block.filters], self._numbers.itemsize)

    def _backward(self, block: ConvNorm) -> tuple[int, int]:
        from lambda_core.compiled.winograd import room_for

        return room_for(block.width, self._row[block.filters], self._row[block.channels], self._numbers.itemsize)

    def to_product_of(self, block: ConvNorm) -> Array:
        """Room for the gradient of one image's product, with a border."""
        shape = (block.height + 2, block.width + 2, self._row[block.filters])
        return self._to_product[: math.prod(shape)].reshape(shape)

    def turned_of(self, block: ConvNorm) -> Array:
        """Room for the filters that lead back to the input."""
        shape = (9 * self._row[block.filters], self._row[block.channels])
        return self._turned[: math.prod(shape)].reshape(shape)

    def _zeros(self, *shape: int) -> Array:
        return aligned_zeros(shape, self._numbers)


AnyBuffers = Any  # Buffers or ResidualBuffers, as the network is: who works on one kind of block asks for the network

_waiting: list[AnyBuffers] = []  # the one given back first comes first
_lock = threading.RLock()  # again by the same thread: a loop may be collected, and give back, at any moment


def lay_out(network: Network, images: int, lowest: int, dtype: torch.dtype) -> AnyBuffers:
    """New buffers for a network of either kind."""
    if isinstance(network, ResidualNetwork):
        return ResidualBuffers(network, images, lowest, dtype)
    assert isinstance(network, ConvNetwork)
    return Buffers(network, images, lowest, dtype)


def borrow(network: Network, images: int, lowest: int, dtype: torch.dtype) -> AnyBuffers:
    """Buffers of any content; several threads may borrow at once."""
    key = (network, images, lowest, dtype)
    with _lock:
        for place in range(len(_waiting) - 1, -1, -1):
            if _waiting[place].key == key:
                return _waiting.pop(place)
    return lay_out(*key)


def give_back(buffers: AnyBuffers) -> None:
    """Their borrower will not use them any more."""
    with _lock:
        _waiting.append(buffers)
        while len(_waiting) > WAITING or sum(each.nbytes for each in _waiting) > WAITING_BYTES:
            _waiting.pop(0)
