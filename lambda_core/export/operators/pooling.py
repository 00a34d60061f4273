"""Parts without weights: rectifiers, 2×2 max-pooling, the mean over places, flattening."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lambda_core.export.operators.graph_builder import GraphBuilder
from lambda_core.export.operators.passes import Names, Steps, Weightless, features_of, rows_of
from lambda_core.export.operators.places import Features, Image, Rows, order_of

STEEP = 1e30  # a difference times this is 0, or far beyond ±1


@dataclass(frozen=True)
class Rectifier(Weightless):
    """x where it is positive, slope · x elsewhere."""

    slope: float = 0.0

    def forward(self, g: GraphBuilder, _: Names, x: Rows) -> tuple[Rows, Any]:
        y = self._apply(g, x.value)
        return x.named(y), y

    def _apply(self, g: GraphBuilder, x: str) -> str:
        return g.add("LeakyRelu", x, alpha=self.slope) if self.slope else g.add("Relu", x)

    def backward(
        self, g: GraphBuilder, _: Names, saved: Any, gradient: Rows, __: Steps, ___: bool
    ) -> tuple[Names, Rows]:
        factor = g.add("HardSigmoid", saved, alpha=STEEP, beta=0.0)
        if self.slope:
            factor = g.add("Max", factor, g.constant(self.slope))
        return {}, gradient.named(g.add("Mul", gradient.value, factor))

    def on_image(self, g: GraphBuilder, _: Names, x: Image, __: int | None) -> Image:
        return replace(x, value=self._apply(g, x.value))


@dataclass(frozen=True)
class MaxPooling(Weightless):
    """2×2 windows. Of equal maxima the first one has the gradient, as in torch."""

    def forward(self, g: GraphBuilder, _: Names, x: Rows) -> tuple[Rows, Any]:
        inside = reordered(g, x, windowed=True).value
        if x.count > 4 * x.windows:
            sizes = g.constant([4 * x.windows, x.count - 4 * x.windows], np.int64)
            inside = g.add_several("Split", [inside, sizes], 2, axis=0)[0]
        left, right = g.add_several("Split", [inside], 2, axis=0, num_outputs=2)
        pairs = g.add("Max", left, right)
        upper, lower = g.add_several("Split", [pairs], 2, axis=0, num_outputs=2)
        y = g.add("Max", upper, lower)
        return Rows(y, x.n, x.channels, x.height // 2, x.width // 2), (x, left, pairs, upper, y)

    def backward(
        self, g: GraphBuilder, _: Names, saved: Any, gradient: Rows, __: Steps, ___: bool
    ) -> tuple[Names, Rows]:
        x, left, pairs, upper, y = saved
        of_pairs = g.add("Concat", *to_winner(g, gradient.value, upper, y), axis=0)
        parts = to_winner(g, of_pairs, left, pairs)
        beside = x.count - 4 * x.windows
        rest = [g.constant(np.zeros((beside, x.channels)))] if beside else []
        found = replace(x, value=g.add("Concat", *parts, *rest, axis=0), windowed=True)
        return {}, reordered(g, found, windowed=x.windowed)

    def on_image(self, g: GraphBuilder, _: Names, x: Image, __: int | None) -> Image:
        y = g.add("MaxPool", x.value, kernel_shape=[2, 2], strides=[2, 2])
        return replace(x, value=y, height=x.height // 2, width=x.width // 2)


def reordered(g: GraphBuilder, x: Rows, *, windowed: bool) -> Rows:
    """The rows in the other order, or as they are."""
    if x.windowed == windowed:
        return x
    order = order_of(x.n, x.height, x.width, True)
    index = order if windowed else np.argsort(order)
    return replace(x, value=g.add("Gather", x.value, g.constant(index, np.int32), axis=0), windowed=windowed)


def to_winner(g: GraphBuilder, gradient: str, first: str, maximum: str) -> tuple[str, str]:
    """The gradient of a maximum of two, sent to the first where that is the maximum, else to the second.

    The mask comes from arithmetic: comparisons and `Where` take ten times as long in the runtimes that we measured.
    """
    is_first = g.add("HardSigmoid", g.add("Sub", maximum, first), alpha=-STEEP, beta=1.0)
    of_first = g.add("Mul", gradient, is_first)
    return of_first, g.add("Sub", gradient, of_first)


@dataclass(frozen=True)
class Flattening(Weightless):
    """Rows to features; on features, nothing."""

    def forward(self, g: GraphBuilder, _: Names, x: Image | Rows | Features) -> tuple[Features, Any]:
        if isinstance(x, Features):
            return x, None
        rows = rows_of(g, x)
        return features_of(g, rows), rows

    def backward(
        self, g: GraphBuilder, _: Names, saved: Any, gradient: Features, __: Steps, ___: bool
    ) -> tuple[Names, Any]:
        if saved is None:
            return {}, gradient
        return {}, saved.named(g.reshape(gradient.value, (saved.count, saved.channels)))

    def on_image(self, g: GraphBuilder, _: Names, x: Image | Features, __: int | None) -> Features:
        if isinstance(x, Features):
            return x
        return Features(g.reshape(x.value, (0, -1)), x.n, x.channels, x.height * x.width)


@dataclass(frozen=True)
class MeanOverPlaces(Weightless):
    """The mean of each channel over an image's places."""

    def forward(self, g: GraphBuilder, _: Names, x: Image | Rows) -> tuple[Features, Any]:
        rows = rows_of(g, x)
        apart = g.reshape(rows.value, (rows.n, -1, rows.channels))
        return Features(g.reduce("ReduceMean", apart, (1,)), rows.n, rows.channels, 1), rows

    def backward(
        self, g: GraphBuilder, _: Names, saved: Any, gradient: Features, __: Steps, ___: bool
    ) -> tuple[Names, Rows]:
        places = saved.height * saved.width
        share = g.reshape(g.scaled(gradient.value, 1 / places), (saved.n, 1, saved.channels))
        spread = g.add("Expand", share, g.constant([saved.n, places, saved.channels], np.int64))
        return {}, saved.named(g.reshape(spread, (saved.count, saved.channels)))

    def on_image(self, g: GraphBuilder, _: Names, x: Image, __: int | None) -> Features:
        return Features(g.reduce("ReduceMean", x.value, (2, 3)), x.n, x.channels, 1)
