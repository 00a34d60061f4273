"""All weights of a network in one row, in the shapes that the kernels take."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lambda_core.compiled.network import ConvNorm, Network
from lambda_core.kernels import Weights
from lambda_core.patterns import Update

Array = NDArray[Any]


class FlatWeights:
    """Weights, or gradients to them, of the layers of `network` from `first` up.

    numbers: float32 or float64; row_bytes: of the kernel's rows. row: all of them, flat; ends: where each layer begins
    in it, and its end (those below `first` have no room). arrays: of each block, convolution by convolution, filters
    (9·c, o) or (c, o) with room for whole rows, scale (o,) and shift (o,); of the head weight (ways, h·w·c), places
    before channels, and bias, (ways,) or (0,).
    """

    def __init__(self, network: Network, numbers: np.dtype[Any], row_bytes: int, first: int = 0) -> None:
        self.network = network
        shapes = _shapes(network, row_bytes // numbers.itemsize, first)
        self.ends = (0, *accumulate(sum(map(math.prod, layer)) for layer in shapes))
        self.row = np.zeros(self.ends[-1], numbers)
        self.arrays = [_parts(self.row[start:], layer) for start, layer in zip(self.ends, shapes, strict=False)]
        self._views = [self._as_in_the_model(layer) for layer in range(first, len(shapes))]
        self._targets = [view for views in self._views for view in views.values()]
        self._sources: list[Array] = []  # what was loaded last, and where it lies
        self._places: list[tuple[int, tuple[int, ...]]] = []

    def load(self, start: list[Weights]) -> None:
        """Take over the values of `start`, a dictionary a layer."""
        given = [own[name] for views, own in zip(self._views, start, strict=True) for name in views]
        places = [(each.data_ptr(), each.stride()) for each in given]
        if places != self._places:
            arrays = [each.detach().numpy() for each in given]
            self._sources = [each.reshape(own.shape) for each, own in zip(arrays, self._targets, strict=True)]
            alike = all(map(np.may_share_memory, self._sources, arrays))
            self._places = places if alike else []  # a copy would not follow what it is a copy of
        for own, source in zip(self._targets, self._sources, strict=True):
            own[...] = source

    def parts(self, layer: int, update: Update) -> list[Array]:
        """What such a step changes of a layer, flat: all of it at once, or each scale, shift and bias."""
        if update == Update.SCALES:
            return [each for each in self.arrays[layer] if each.ndim == 1]
        return [self.row[self.ends[layer] : self.ends[layer + 1]]]

    def copy_of(self, layer: int) -> Weights:
        """New tensors with a layer's weights, in the shapes that the model has; filters channels last."""
        is_head = layer == len(self.network.blocks)
        return {name: _rows(view) if is_head else _image(view) for name, view in self._views[layer].items()}

    def _as_in_the_model(self, layer: int) -> dict[str, Array]:
        """Views with the model's order of dimensions; the head's weight as (ways, channels, height, width)."""
        if layer < len(self.network.blocks):
            found: dict[str, Array] = {}
            for place, conv in enumerate(self.network.blocks[layer]):
                filters, scale, shift = self.arrays[layer][3 * place : 3 * place + 3]
                image = filters.reshape(conv.size, conv.size, conv.channels, -1)[..., : conv.filters]
                found |= zip(conv.names, (image.transpose(3, 2, 0, 1), scale, shift), strict=True)
            return found
        weight, bias = self.arrays[-1]
        image = weight.reshape(len(weight), *self.network.head_image, -1).transpose(0, 3, 1, 2)
        both = zip(self.network.head_names, (image, bias), strict=True)
        return {name: view for name, view in both if len(view) > 0}


def _shapes(network: Network, row: int, first: int) -> list[tuple[tuple[int, ...], ...]]:
    """Of the arrays of each layer; those below `first` have none."""
    shapes: list[tuple[tuple[int, ...], ...]] = [
        tuple(shape for conv in block for shape in _shapes_of(conv, row)) for block in network.blocks
    ]
    shapes.append(((network.ways, network.features), (network.ways if network.has_bias else 0,)))
    return [layer if place >= first else () for place, layer in enumerate(shapes)]


def _shapes_of(conv: ConvNorm, row: int) -> tuple[tuple[int, ...], ...]:
    return (conv.taps, -(-conv.filters // row) * row), (conv.filters,), (conv.filters,)


def _parts(row: Array, shapes: tuple[tuple[int, ...], ...]) -> tuple[Array, ...]:
    sizes = [math.prod(shape) for shape in shapes]
    places = zip(accumulate(sizes), sizes, shapes, strict=True)
    return tuple(row[end - size : end].reshape(shape) for end, size, shape in places)


def _rows(view: Array) -> Tensor:
    return torch.from_numpy(np.array(view).reshape(len(view), -1) if view.ndim > 1 else view.copy())


def _image(view: Array) -> Tensor:
    if view.ndim == 1:
        return torch.from_numpy(view.copy())
    return torch.from_numpy(np.ascontiguousarray(view.transpose(0, 2, 3, 1))).permute(0, 3, 1, 2)
