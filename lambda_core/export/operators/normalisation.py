"""Batch normalisation by the batch's own statistics, forward and backward, in ordinary operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from lambda_core.export.operators.graph_builder import Array, GraphBuilder
from lambda_core.export.operators.passes import Names, Steps
from lambda_core.export.operators.places import Image, Rows


@dataclass(frozen=True)
class Normalisation:
    """weight, bias: scale γ and shift, (channels,) each; eps: added to the variance."""

    weight: str
    bias: str
    eps: float

    @property
    def names(self) -> tuple[str, ...]:
        return self.weight, self.bias

    def start(self, _: str, value: Tensor) -> Array:
        array: Array = value.numpy()
        return array

    def end(self, _: GraphBuilder, __: str, value: str, ___: tuple[int, ...]) -> str:
        return value

    def forward(self, g: GraphBuilder, weights: Names, x: Rows) -> tuple[Rows, Any]:
        mean = g.reduce("ReduceMean", x.value, (0,))
        centred = affine(g, x.value, g.constant(np.ones(x.channels)), g.add("Neg", mean), x.channels)
        variance = g.reduce("ReduceMean", g.add("Mul", centred, centred), (0,))
        y = self._scaled(g, weights, centred, variance, x.channels)
        return x.named(y), (x.named(centred), variance)

    def _scaled(self, g: GraphBuilder, weights: Names, centred: str, variance: str, channels: int) -> str:
        own, none = (weights[self.weight], weights[self.bias]), g.constant(np.zeros(channels))
        return g.add("BatchNormalization", centred, *own, none, variance, epsilon=self.eps)

    def backward(
        self, g: GraphBuilder, weights: Names, saved: Any, gradient: Rows, steps: Steps, needs_input: bool
    ) -> tuple[Names, Rows | None]:
        """To the input: γσ (u − m(u) − d σ² m(u d)), with u the gradient, d the centred input, m the mean of rows."""
        centred, variance = saved
        scale = inverse_deviation(g, variance, self.eps)
        to_bias = g.reduce("ReduceSum", gradient.value, (0,))
        products = g.reduce("ReduceSum", g.add("Mul", gradient.value, centred.value), (0,))
        to_weight = g.add("Mul", scale, products)
        both = {self.weight: to_weight, self.bias: to_bias}
        found = {name: g.minus(weights[name], value, steps[name]) for name, value in both.items() if name in steps}
        if not needs_input:
            return found, None
        a, share = g.add("Mul", weights[self.weight], scale), -1 / centred.count
        b = g.add("Mul", g.add("Mul", a, scale), g.scaled(to_weight, share))
        c = g.add("Mul", a, g.scaled(to_bias, share))
        none = g.constant(np.zeros(centred.channels))
        of_gradient = affine(g, gradient.value, a, c, centred.channels)
        below = g.add("Add", of_gradient, affine(g, centred.value, b, none, centred.channels))
        return found, centred.named(below)

    def keeps_order(self, g: GraphBuilder, weights: Names) -> bool:
        """Whether the scale is known now, and nowhere negative."""
        scale = weights[self.weight]
        return g.is_constant(scale) and bool((g.value_of(scale) >= 0).all())

    def on_image(self, g: GraphBuilder, weights: Names, x: Image, leading: int | None) -> Image:
        centred, variance = self._centred(g, x, leading)
        return replace(x, value=self._scaled(g, weights, centred, variance, x.channels))

    def on_image_pooled(
        self, g: GraphBuilder, weights: Names, x: Image, pool: Callable[[Image, int | None], Image], leading: int | None
    ) -> Image:
        """The same and then `pool`, in the other order, where no scale is negative: a quarter of the places."""
        centred, variance = self._centred(g, x, leading)
        pooled = pool(replace(x, value=centred), leading)
        return replace(pooled, value=self._scaled(g, weights, pooled.value, variance, x.channels))

    def _centred(self, g: GraphBuilder, x: Image, leading: int | None) -> tuple[str, str]:
        mean = g.reduce("ReduceMean", first(g, x.value, leading), (0, 2, 3), keepdims=True)
        centred = g.add("Sub", x.value, mean)
        leaders = first(g, centred, leading)
        return centred, g.reduce("ReduceMean", g.add("Mul", leaders, leaders), (0, 2, 3))


def first(g: GraphBuilder, value: str, count: int | None) -> str:
    """The leading images of a batch."""
    if count is None:
        return value
    return g.add("Slice", value, *(g.constant([each], np.int64) for each in (0, count, 0)))


def inverse_deviation(g: GraphBuilder, variance: str, eps: float) -> str:
    return g.add("Reciprocal", g.add("Sqrt", g.add("Add", variance, g.constant(eps))))


def affine(g: GraphBuilder, x: str, scale: str, shift: str, channels: int) -> str:
    """scale · x + shift a column, as one node: two take three times as long in the runtimes that we measured."""
    none, one = g.constant(np.zeros(channels)), g.constant(np.ones(channels))
    return g.add("BatchNormalization", x, scale, shift, none, one, epsilon=0.0)
