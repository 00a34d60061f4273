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
from lambda_core.compiled.applies import compiled_loop
from lambda_core.compiled.buffers import Array
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
) -> MetaGradient | None:
    """None where the compiled loop does not apply, for residual networks, and where scale and shift alone are updated.

    support, query: images (N, C, H, W) and classes (N,), the queries normalised by their own statistics; rows: one a
    step; second_order: through the steps, else taken at their end as if it were that to the initial weights.
    """
    rows = [row for row in rows if any(row)]
    if any(Update.SCALES in row for row in rows):
        return None
    lowest = lowest_ever(rows, default=0)
    at_end = compiled_loop(backbone, weights, *query, lr, loss)
    if at_end is None or not isinstance(at_end.network, ConvNetwork):
        return None
    loops = [compiled_loop(backbone, weights, *support, lr, loss) for _ in rows]
    taken = [loop for loop in (*loops, at_end) if loop is not None]
    if len(taken) <= len(rows):
        return None
    steps = list(zip(taken, rows, strict=False))
    for place, (loop, row) in enumerate(steps):
        if place:
            loop.take_input(lowest, taken[0])
        _step(loop, row, taken[place + 1])
    value = at_end.gradients(LambdaPattern.full(len(weights)).rows[0])
    gradient = at_end.buffers.gradients
    if second_order and steps:
        _back_through(steps, lowest, gradient.row)
    return MetaGradient(value, _accuracy(at_end), [gradient.copy_of(layer) for layer in range(len(weights))])


def _step(loop: CompiledLoop, row: Row, after: CompiledLoop) -> None:
    """The weights of `after` become those of `loop` after its step."""
    loop.gradients(row)
    weights, gradients = loop.buffers.weights, loop.buffers.gradients.row
    after.buffers.weights.row[:] = weights.row
    for own, lr in _updated(loop, row):
        after.buffers.weights.row[own] -= lr * gradients[own]


def _back_through(steps: Sequence[tuple[CompiledLoop, Row]], lowest: int, gradient: Array) -> None:
    """`gradient`, to the weights after the steps, becomes that to the weights before them; no step updates a layer
    below `lowest`.
    """
    first, _ = steps[0]
    product = HessianProduct(first.buffers.key, lowest)
    direction, found = product.tangents.weights.row, product.tangents.gradients.row
    split = first.buffers.weights.ends[lowest]
    for loop, row in reversed(steps):
        direction[:] = 0
        for own, lr in _updated(loop, row):
            direction[own] = lr * gradient[own]
        product(loop, row)
        gradient[split:] -= found[split:]
    product.finish(first)
    gradient[:split] -= found[:split]


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
