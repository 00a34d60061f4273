"""The meta-gradient of one episode: steps forward, the query loss's gradient, and back through the steps.

A step takes θ to θ − α g(θ), so the gradient λ to what comes out of it is λ − α H λ to what went in: one product with
the second derivative of the support loss a step. No step needs another one's activations on the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from torch import Tensor

from lambda_core.backbones import Backbone
from lambda_core.compiled.applies import TYPES, compiled_loop, network_of
from lambda_core.compiled.buffers import Array, Buffers
from lambda_core.compiled.loop import CompiledLoop
from lambda_core.compiled.network import ConvNetwork
from lambda_core.compiled.second_order.hessian_product import HessianProduct
from lambda_core.kernels import Weights
from lambda_core.patterns import LambdaPattern, Row, Update, lowest_ever


@dataclass(frozen=True)
class MetaGradient:
    """Mean query loss and accuracy (0 to 1) after the steps, and the loss's gradient to the weights before them."""

    loss: float
    accuracy: float
    gradient: list[Weights]


def compiled_meta_gradient(
    backbone: Backbone,
    weights: list[Weights],
    support: tuple[Tensor, Tensor],
    query: tuple[Tensor, Tensor],
    lr: float | Sequence[float],
    rows: Sequence[Row],
    loss: Callable[..., Tensor],
    *,
    second_order: bool = True,
    keeps: bool = True,
) -> MetaGradient | None:
    """None where the compiled loop does not apply, for residual networks, and where scale and shift alone are updated.

    support, query: images (N, C, H, W) and classes (N,), the queries normalised by their own statistics; rows: one a
    step; second_order: through the steps, else taken at their end as if it were that to the initial weights. keeps:
    every step's activations for the way back, else each step is taken again: less memory, the same result.
    """
    rows = [row for row in rows if any(row)]
    if any(Update.SCALES in row for row in rows):
        return None
    at_end = compiled_loop(backbone, weights, *query, lr, loss)
    if at_end is None or not isinstance(at_end.network, ConvNetwork):
        return None
    count = len(rows) if keeps and second_order else min(len(rows), 1)
    loops = [loop for _ in range(count) if (loop := compiled_loop(backbone, weights, *support, lr, loss)) is not None]
    if len(loops) < count:
        return None
    steps = _Steps(loops, rows)
    at_end.buffers.weights.row[:] = steps.forward(at_end.buffers.weights.row)
    value = at_end.gradients(LambdaPattern.full(len(weights)).rows[0])
    gradient = at_end.buffers.gradients
    if second_order and rows:
        steps.back(gradient.row)
    return MetaGradient(value, _accuracy(at_end), [gradient.copy_of(layer) for layer in range(len(weights))])


def compiled_meta_bytes(
    backbone: Backbone, support_x: Tensor, query_x: Tensor, rows: Sequence[Row], *, keeps: bool = True
) -> int | None:
    """What `compiled_meta_gradient` holds at once, the images not counted; None where it does not apply.

    support_x, query_x: of the shapes and type that are meant; rows: one a step.
    """
    network = network_of(backbone, backbone.detached_weights(), support_x) if support_x.dim() == 4 else None
    if not isinstance(network, ConvNetwork) or support_x.dtype not in TYPES or not support_x.is_cpu:
        return None
    if any(Update.SCALES in row for row in rows):
        return None
    steps = len(rows)
    one, queries = (Buffers(network, len(x), 0, x.dtype) for x in (support_x, query_x))  # not written to: no memory yet
    loops = (steps if keeps else 1) + 1  # and the tangents
    return loops * one.nbytes + queries.nbytes + (steps + 1) * one.weights.row.nbytes


class _Steps:
    """The steps of `rows`, taken in `loops`: one each, or one for all."""

    def __init__(self, loops: Sequence[CompiledLoop], rows: Sequence[Row]) -> None:
        self.loops, self.rows = loops, rows
        self.lowest = lowest_ever(rows, default=0)
        self._before: list[Array] = []  # each step's weights, flat

    def forward(self, start: Array) -> Array:
        """The weights after all steps."""
        weights = start.copy()
        for step, row in enumerate(self.rows):
            self._before.append(weights)
            loop = self._take(step, again=False)
            weights = weights.copy()
            for own, lr in _updated(loop, row):
                weights[own] -= lr * loop.buffers.gradients.row[own]
        return weights

    def back(self, gradient: Array) -> None:
        """`gradient`, to the weights after the steps, becomes that to the weights before them."""
        first, last = self.loops[0], len(self.rows) - 1
        product = HessianProduct(first.buffers.key, self.lowest)
        direction, found = product.tangents.weights.row, product.tangents.gradients.row
        split = first.buffers.weights.ends[self.lowest]
        for step in range(last, -1, -1):
            loop = self.loops[step % len(self.loops)]
            if len(self.loops) <= last and step < last:
                self._take(step, again=True)
            direction[:] = 0
            for own, lr in _updated(loop, self.rows[step]):
                direction[own] = lr * gradient[own]
            product(loop, self.rows[step])
            gradient[split:] -= found[split:]
        product.finish(first)
        gradient[:split] -= found[:split]

    def _take(self, step: int, *, again: bool) -> CompiledLoop:
        """The gradients of a step; what enters the lowest layer that changes is the same at all steps."""
        loop = self.loops[step % len(self.loops)]
        loop.buffers.weights.row[:] = self._before[step]
        if step or again:
            loop.take_input(self.lowest, self.loops[0])
        loop.gradients(self.rows[step])
        return loop


def _updated(loop: CompiledLoop, row: Row) -> list[tuple[slice, float]]:
    """Where the weights of each layer that `row` updates lie in the flat row, and its step size."""
    places = pairwise(loop.buffers.weights.ends)
    return [(slice(*place), lr) for place, lr, updated in zip(places, loop.lr, row, strict=True) if updated]


def _accuracy(loop: CompiledLoop) -> float:
    from lambda_core.compiled.steps import to_logits

    features = loop.buffers.features
    logits = np.empty((len(features), loop.network.ways), features.dtype)
    to_logits(features, *loop.buffers.weights.arrays[-1], logits)
    return float((logits.argmax(1) == loop.labels).mean())
