"""The linear head under cross-entropy: a step among others, or many steps of the head alone in the space of logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from lambda_core.export.operators.graph_builder import Array, GraphBuilder
from lambda_core.export.operators.passes import Names, Steps
from lambda_core.export.operators.places import Features


@dataclass(frozen=True)
class Head:
    """A linear map to the classes. The weight is kept as (features, ways), features in the order of `Features`.

    channels: of the features; ways: classes.
    """

    weight: str
    bias: str
    channels: int
    ways: int

    @property
    def names(self) -> tuple[str, ...]:
        return self.weight, self.bias

    def start(self, name: str, value: Tensor) -> Array:
        if name == self.weight:
            value = value.reshape(self.ways, self.channels, -1).permute(2, 1, 0).reshape(-1, self.ways)
        array: Array = value.numpy()
        return array

    def end(self, g: GraphBuilder, name: str, value: str, shape: tuple[int, ...]) -> str:
        if name == self.bias:
            return value
        taken_apart = g.reshape(value, (-1, self.channels, self.ways))
        return g.reshape(g.add("Transpose", taken_apart, perm=[2, 1, 0]), shape)

    def forward(self, g: GraphBuilder, weights: Names, x: Features) -> tuple[Features, Any]:
        logits = g.add("Gemm", x.value, weights[self.weight], weights[self.bias])
        return Features(logits, x.n, self.ways, 1), x

    def backward(
        self, g: GraphBuilder, weights: Names, saved: Features, gradient: Features, steps: Steps, needs_input: bool
    ) -> tuple[Names, Features | None]:
        found = self._stepped(g, weights, saved, gradient.value, steps)
        if not needs_input:
            return found, None
        below = g.add("Gemm", gradient.value, weights[self.weight], transB=1)
        return found, Features(below, saved.n, saved.channels, saved.places)

    def steps(self, g: GraphBuilder, weights: Names, x: Features, one_hot: str, lr: float, count: int) -> Names:
        """`count` steps of the head alone: the logits change by −lr / n (X Xᵀ + 1) · error, the weights at the end."""
        logits = self.forward(g, weights, x)[0].value
        gram = g.add("Gemm", x.value, x.value, g.constant(np.ones(1)), transB=1)
        errors = [error(g, logits, one_hot)]
        for _ in range(count - 1):
            logits = g.add("Gemm", gram, errors[-1], logits, alpha=-lr / x.n)
            errors.append(error(g, logits, one_hot))
        return self._stepped(g, weights, x, g.add("Sum", *errors), dict.fromkeys(self.names, lr / x.n))

    def _stepped(self, g: GraphBuilder, weights: Names, x: Features, gradient: str, steps: Steps) -> Names:
        found = {}
        if self.weight in steps:
            lr = steps[self.weight]
            found[self.weight] = g.add("Gemm", x.value, gradient, weights[self.weight], transA=1, alpha=-lr)
        if self.bias in steps:
            to_bias = g.reduce("ReduceSum", gradient, (0,))
            found[self.bias] = g.minus(weights[self.bias], to_bias, steps[self.bias])
        return found

    def on_image(self, g: GraphBuilder, weights: Names, x: Features, _: int | None) -> Features:
        return Features(g.add("Gemm", x.value, weights[self.weight], weights[self.bias], transB=1), x.n, self.ways, 1)


def error(g: GraphBuilder, logits: str, one_hot: str) -> str:
    """n times the gradient of the mean cross-entropy to the logits, (n, ways): softmax − one-hot."""
    return g.add("Sub", g.add("Softmax", logits, axis=1), one_hot)
