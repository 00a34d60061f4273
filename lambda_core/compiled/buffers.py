"""What an adaptation works in: every array laid out before anything runs, so that it can be used again and counted.

Fresh memory of this size costs as much in page faults as the adaptation of a head.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lambda_core.compiled.network import ConvBlock, ConvNetwork

Array = NDArray[Any]
Key = tuple[ConvNetwork, int, int, torch.dtype]

TILE_BYTES = 320 << 10  # patches and products of the images worked on at once: they stay in a second-level cache
KEPT_BYTES = 2 << 20  # patches that are kept for later steps, at most: reading more costs more than making them again
WAITING = 16  # buffers that wait to be used again, of all kinds together, and their bytes: memory stays flat
WAITING_BYTES = 64 << 20


@dataclass(frozen=True)
class BlockBuffers:
    """Of one block; a place: one of the height · width of an image. tile: places worked on at once; patches: those of
    all images, or of a tile. What enters the next block is `pooled`. gradient: of `pooled`; empty where none is taken.
    """

    tile: int
    x: Array  # (places, channels)
    patches: Array  # (places or tile, 9 · channels)
    product: Array  # (places, filters)
    moments: Array  # (2, filters): mean and 1/σ of the product
    raw: Array  # (pooled places, filters): what of the product became a maximum
    pooled: Array
    gradient: Array

    @property
    def keeps_patches(self) -> bool:
        """Whether the patches of all images stay."""
        return len(self.patches) == len(self.x)


class Buffers:
    """Of an adaptation of `network` to so many `images`, where no layer below `lowest` is ever updated.

    weights, gradients: all layers', one flat row each. Blocks below `lowest` keep nothing but their output: they are
    passed once, one after the other, in one workspace. pictures: the support images, channels last, with a border of
    zeros. kept_bytes: of what lives on from step to step or waits for the backward pass, without the weights;
    workspace_bytes: of what is only worked in.
    """

    def __init__(self, network: ConvNetwork, images: int, lowest: int, dtype: torch.dtype) -> None:
        self.key: Key = (network, images, lowest, dtype)
        numbers = torch.empty(0, dtype=dtype).numpy().dtype
        self.weights, self.gradients = (torch.from_numpy(np.zeros(network.size, numbers)) for _ in range(2))
        tiles = [_tile(block, images, numbers.itemsize) for block in network.blocks]
        shapes = [_worked_in(block, images, tile) for block, tile in zip(network.blocks, tiles, strict=True)]
        shapes[0] = _worked_in(network.blocks[0], images, images * network.blocks[0].places)
        self._workspace = np.empty(max((sum(map(_size, each)) for each in shapes[:lowest]), default=0), numbers)
        above = list(zip(network.blocks, tiles, strict=True))[lowest + 1 :]
        self.to_patches = np.empty(max((9 * block.channels * tile for block, tile in above), default=0), numbers)
        outputs = [np.empty((images * block.pooled_places, block.filters), numbers) for block in network.blocks]
        first = network.blocks[0]
        # Pictures have a border of zeros, which makes their patches quick to write.
        self.pictures = np.zeros((images, first.height + 2, first.width + 2, first.channels), numbers)
        inputs = [np.empty((images * first.places, 0), numbers), *outputs[:-1]]
        self.blocks = [
            self._block(block, images, tile, number < lowest, x, pooled)
            for number, (block, tile, x, pooled) in enumerate(zip(network.blocks, tiles, inputs, outputs, strict=True))
        ]
        self.features = outputs[-1].reshape(images, network.features)
        self.to_features = self.blocks[-1].gradient.reshape(-1, network.features)
        self.weight_arrays, self.gradient_arrays = (
            network.arrays(each.numpy()) for each in (self.weights, self.gradients)
        )
        self.weight_views = network.views(self.weights)
        self.workspace_bytes = self._workspace.nbytes + self.to_patches.nbytes
        self.kept_bytes = self.pictures.nbytes + self.gradients.numpy().nbytes + sum(map(self._kept, self.blocks))

    def _block(self, block: ConvBlock, images: int, tile: int, frozen: bool, x: Array, pooled: Array) -> BlockBuffers:
        numbers, moments = x.dtype, np.empty((2, block.filters), x.dtype)
        if frozen:
            shapes = _worked_in(block, images, tile if x.shape[1] else len(x))
            patches, product, raw = _parts(self._workspace, shapes)
            return BlockBuffers(tile, x, patches, product, moments, raw, pooled, pooled[:0])
        all_bytes = images * block.places * 9 * block.channels * numbers.itemsize
        kept = x.shape[1] == 0 or all_bytes <= KEPT_BYTES
        shapes = _worked_in(block, images, len(x) if kept else tile)
        patches, product, raw = (np.empty(shape, numbers) for shape in shapes)
        return BlockBuffers(tile, x, patches, product, moments, raw, pooled, np.empty_like(pooled))

    def _kept(self, own: BlockBuffers) -> int:
        worked_in = () if len(own.gradient) == 0 else (own.patches, own.product, own.raw, own.gradient)
        return sum(each.nbytes for each in (own.moments, own.pooled, *worked_in))

    @property
    def nbytes(self) -> int:
        """All of it, with one set of weights."""
        return self.kept_bytes + self.workspace_bytes + self.weights.numpy().nbytes


_waiting: list[Buffers] = []  # the one given back first comes first
_lock = threading.RLock()  # again by the same thread: a loop may be collected, and give back, at any moment


def borrow(network: ConvNetwork, images: int, lowest: int, dtype: torch.dtype) -> Buffers:
    """Buffers of any content; several threads may borrow at once."""
    key = (network, images, lowest, dtype)
    with _lock:
        for place in range(len(_waiting) - 1, -1, -1):
            if _waiting[place].key == key:
                return _waiting.pop(place)
    with torch.inference_mode(False):  # whose tensors could not be written outside of it
        return Buffers(*key)


def give_back(buffers: Buffers) -> None:
    """Their borrower will not use them any more."""
    with _lock:
        _waiting.append(buffers)
        while len(_waiting) > WAITING or sum(each.nbytes for each in _waiting) > WAITING_BYTES:
            _waiting.pop(0)


def _tile(block: ConvBlock, images: int, itemsize: int) -> int:
    image = block.places * (9 * block.channels + block.filters) * itemsize
    return block.places * min(images, max(1, TILE_BYTES // image))


def _worked_in(block: ConvBlock, images: int, patch_places: int) -> tuple[tuple[int, int], ...]:
    """The shapes of patches, product and raw."""
    pooled = images * block.pooled_places
    return (patch_places, 9 * block.channels), (images * block.places, block.filters), (pooled, block.filters)


def _parts(numbers: Array, shapes: Sequence[tuple[int, int]]) -> list[Array]:
    found, start = [], 0
    for shape in shapes:
        found.append(numbers[start : start + _size(shape)].reshape(shape))
        start += _size(shape)
    return found


def _size(shape: tuple[int, int]) -> int:
    return shape[0] * shape[1]
