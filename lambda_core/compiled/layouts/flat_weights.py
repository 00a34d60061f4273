"""All weights of a network in one row, in the shapes that the kernels take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lambda_core.compiled.layouts.aligned import LINE_BYTES, aligned_zeros
from lambda_core.compiled.network import ConvNorm, Network
from lambda_core.kernels import Weights
from lambda_core.patterns import Update

Array = NDArray[Any]


class FlatWeights:
    """Weights, or gradients to them, of the layers of `network` from `first` up.

    numbers: float32 or float64; row_bytes: of the kernel's rows. row: all of them, flat; ends: where each layer begins
    in it, and its end (those below `first` have no room). arrays: of each block, convolution by convolution, filters
    (9·c, o) or (c, o) with room for whole rows, scale (o,) and shift (o,); of the head weight (ways, h·w·c), places
    before channels, and bias, (ways,) or (0,). Each of them begins where a line of the processor's cache does.
    """

    def __init__(self, network: Network, numbers: np.dtype[Any], row_bytes: int, first: int = 0) -> None:
        self.network = network
        shapes = _shapes(network, row_bytes // numbers.itemsize, first)
        line = LINE_BYTES // numbers.itemsize
        self.ends = (0, *accumulate(sum(_room(shape, line) for shape in layer) for layer in shapes))
        self.row = aligned_zeros((self.ends[-1],), numbers)
        self.arrays = [_parts(self.row[start:], layer, line) for start, layer in zip(self.ends, shapes, strict=False)]
        self._views = [self._as_in_the_model(layer) for layer in range(first, len(shapes))]
        self._targets = [view for views in self._views for view in views.values()]
        self._sources: list[Array] = []  # what was loaded last, and where it lies
        self._places: list[tuple[int, tuple[int, ...]]] = []
        self._plan: tuple[Array, Array] | None = None  # for `reorder`
        self.plan_bytes = 8 * (sum(map(_columns, self._targets)) + 5 * len(self._targets))

    def load(self, start: list[Weights]) -> None:
        """Take over the values of `start`, a dictionary a layer: all anew at every call, however they changed."""
        from lambda_core.compiled.layouts.reordering import reorder

        given = [own[name] for views, own in zip(self._views, start, strict=True) for name in views]
        places = [(each.data_ptr(), each.stride()) for each in given]
        if places != self._places or self._plan is None:
            self._look_at(given, places)
        if self._plan is not None:
            reorder(*self._plan, self.row)

    def _look_at(self, given: list[Tensor], places: list[tuple[int, tuple[int, ...]]]) -> None:
        """How the numbers come from where they lie: kept, with what keeps them there, for as long as they do."""
        arrays = [each.detach().numpy() for each in given]
        self._sources = [each if each.shape == own.shape else each.reshape(own.shape)
                         for each, own in zip(arrays, self._targets, strict=True)]  # fmt: skip
        self._plan, self._places = _plan(self._sources, self._targets, self.row), places
        if not all(map(np.may_share_memory, self._sources, arrays)):
            self._places = []  # a copy would not follow what it is a copy of

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


def _plan(sources: list[Array], targets: list[Array], row: Array) -> tuple[Array, Array]:
    """The two tables that `reorder` takes to bring every source into its target, a view of `row` of the same shape."""
    parts: list[tuple[int, ...]] = []
    places, end = np.empty(sum(map(_columns, targets)), np.int64), 0
    for source, target in zip(sources, targets, strict=True):
        for given, goes in _matrices(source, target, row):
            parts.append((given.ctypes.data, goes.size, given.shape[-1], given.strides[-1], end))
            places[end : end + goes.size] = goes
            end += goes.size
    return np.array(parts, np.int64), places


def _lines_of(view: Array) -> int:
    """The axis along which its numbers lie side by side."""
    return next(axis for axis in range(view.ndim) if view.strides[axis] == view.itemsize)


def _columns(view: Array) -> int:
    return int(view.size // view.shape[_lines_of(view)])


def _matrices(source: Array, target: Array, row: Array) -> Iterator[tuple[Array, Array]]:
    """The source in matrices whose columns lie side by side there, and whose lines, their last axis, do in the target;
    with the places in `row` where the first line goes.
    """
    lines = _lines_of(target)
    axes = sorted((axis for axis in range(target.ndim) if axis != lines), key=lambda axis: -source.strides[axis])
    source, target = source.transpose(*axes, lines), target.transpose(*axes, lines)
    goes = np.array((target.ctypes.data - row.ctypes.data) // row.itemsize, np.int32)
    for count, stride in zip(target.shape[:-1], target.strides, strict=False):
        goes = goes[..., None] + stride // row.itemsize * np.arange(count, dtype=np.int32)
    outer, columns = source.ndim - 1, 1
    while outer and source.strides[outer - 1] == columns * source.itemsize:
        outer -= 1
        columns *= source.shape[outer]
    for place in np.ndindex(source.shape[:outer]):
        yield source[place], goes[place].ravel()


def _shapes(network: Network, row: int, first: int) -> list[tuple[tuple[int, ...], ...]]:
    """Of the arrays of each layer; those below `first` have none."""
    shapes: list[tuple[tuple[int, ...], ...]] = [
        tuple(shape for conv in block for shape in _shapes_of(conv, row)) for block in network.blocks
    ]
    shapes.append(((network.ways, network.features), (network.ways if network.has_bias else 0,)))
    return [layer if place >= first else () for place, layer in enumerate(shapes)]


def _shapes_of(conv: ConvNorm, row: int) -> tuple[tuple[int, ...], ...]:
    return (conv.taps, -(-conv.filters // row) * row), (conv.filters,), (conv.filters,)


def _room(shape: tuple[int, ...], line: int) -> int:
    """So many numbers that what comes behind begins where a line of the cache does."""
    return -(-math.prod(shape) // line) * line


def _parts(row: Array, shapes: tuple[tuple[int, ...], ...], line: int) -> tuple[Array, ...]:
    starts = accumulate((_room(shape, line) for shape in shapes), initial=0)
    return tuple(
        row[start : start + math.prod(shape)].reshape(shape) for start, shape in zip(starts, shapes, strict=False)
    )


def _rows(view: Array) -> Tensor:
    return torch.from_numpy(np.array(view).reshape(len(view), -1) if view.ndim > 1 else view.copy())


def _image(view: Array) -> Tensor:
    if view.ndim == 1:
        return torch.from_numpy(view.copy())
    from lambda_core.compiled.layouts.reordering import reorder

    filters, channels, height, width = view.shape
    found = np.empty((filters, height, width, channels), view.dtype)
    taps = found[0].size
    part = (view.__array_interface__["data"][0], filters, taps, view.strides[1], 0)
    reorder(np.array([part]), taps * np.arange(filters), found.reshape(-1))
    return torch.from_numpy(found).permute(0, 3, 1, 2)
