"""A convolution of rows: a look-up of neighbours and a matrix product, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from lambda_core.export.operators.graph_builder import Array, GraphBuilder
from lambda_core.export.operators.passes import Names, Steps
from lambda_core.export.operators.places import Image, Rows, neighbours


@dataclass(frozen=True)
class Convolution:
    """size × size (3 or 1), stride 1, without change of the image's size, no bias.

    The weight is kept as (size² · inputs, outputs), place by place. windowed: the order of the rows that it gives.
    """

    weight: str
    inputs: int
    outputs: int
    windowed: bool
    size: int = 3

    @property
    def names(self) -> tuple[str, ...]:
        return (self.weight,)

    def start(self, _: str, value: Tensor) -> Array:
        array: Array = value.permute(2, 3, 1, 0).reshape(-1, self.outputs).numpy()
        return array

    def end(self, g: GraphBuilder, _: str, value: str, __: tuple[int, ...]) -> str:
        taken_apart = g.reshape(value, (self.size, self.size, self.inputs, self.outputs))
        return g.add("Transpose", taken_apart, perm=[3, 2, 0, 1])

    def forward(self, g: GraphBuilder, weights: Names, x: Rows) -> tuple[Rows, Any]:
        patches = patches_of(g, x, self.size, windowed=self.windowed)
        y = g.add("MatMul", patches, weights[self.weight])
        return Rows(y, x.n, self.outputs, x.height, x.width, self.windowed), (patches, x)

    def backward(
        self, g: GraphBuilder, weights: Names, saved: Any, gradient: Rows, steps: Steps, needs_input: bool
    ) -> tuple[Names, Rows | None]:
        patches, x = saved
        weight, found = weights[self.weight], {}
        if self.weight in steps:
            lr = steps[self.weight]
            found[self.weight] = g.add("Gemm", patches, gradient.value, weight, transA=1, alpha=-lr)
        if not needs_input:
            return found, None
        around = patches_of(g, gradient, self.size, windowed=x.windowed, turned=True)
        return found, x.named(g.add("MatMul", around, self._turned(g, weight)))

    def _turned(self, g: GraphBuilder, weight: str) -> str:
        """(size² · outputs, inputs): what leads back from output to input, for neighbourhoods taken backwards."""
        taken_apart = g.reshape(weight, (self.size**2, self.inputs, self.outputs))
        return g.reshape(g.add("Transpose", taken_apart, perm=[0, 2, 1]), (-1, self.inputs))

    def on_image(self, g: GraphBuilder, weights: Names, x: Image, _: int | None) -> Image:
        y = g.add("Conv", x.value, weights[self.weight], pads=[self.size // 2] * 4)
        return replace(x, value=y, channels=self.outputs)


def patches_of(g: GraphBuilder, x: Rows, size: int = 3, *, windowed: bool, turned: bool = False) -> str:
    """(n · H · W, size² · channels): the neighbourhood of every place, zero outside of the image."""
    if size == 1 and x.windowed == windowed:
        return x.value
    index = neighbours(x.n, x.height, x.width, size, (x.windowed, windowed), turned)
    with_zeros = g.add("Concat", x.value, g.constant(np.zeros((1, x.channels))), axis=0) if size > 1 else x.value
    near = g.add("Gather", with_zeros, g.constant(index, np.int32), axis=0)
    return g.reshape(near, (x.count, -1))
