"""The plan of an adaptation as a value: what each step computes, reuses and skips, and its multiply-adds.

Torch-free: it needs only the pattern and the layers' forward costs, so the app can draw it from a study's files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_core.errors import PatternError
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.update import PRODUCTS, WAYS_BACK, Row, Update, lowest_updated, way_back


@dataclass(frozen=True)
class LayerStep:
    """One layer at one step.

    forward: computed | reused (its output, or that of a layer above, is still valid) | skipped (the step does nothing).
    backward: none | input (passed through, to reach a lower layer) | weights (the lowest updated layer) | both |
    scales (the lowest, scale and shift alone) | input and scales. multiply_adds: of the two together.
    """

    forward: str
    backward: str
    multiply_adds: int

    @property
    def update(self) -> Update:
        """What changes."""
        return WAYS_BACK[self.backward][0]

    @property
    def products_back(self) -> int:
        """So many products of its backward pass, each as large as the forward pass."""
        return PRODUCTS[self.backward]


@dataclass(frozen=True)
class AdaptationPlan:
    """cells[step][layer]: what the inner loop does there."""

    cells: tuple[tuple[LayerStep, ...], ...]
    updates: tuple[Row, ...]

    @property
    def multiply_adds(self) -> int:
        return int(self.cost.sum())

    @property
    def cost(self) -> NDArray[np.int64]:
        """Multiply-adds, (steps, layers) int64."""
        layers = len(self.cells[0]) if self.cells else 0
        counts = [[cell.multiply_adds for cell in row] for row in self.cells]
        return np.array(counts, dtype=np.int64).reshape(len(self.cells), layers)


def plan_adaptation(
    pattern: LambdaPattern,
    steps: int,
    layer_costs: Sequence[int],
    inner_costs: Sequence[int] = (),
    scale_costs: Sequence[int] = (),
) -> AdaptationPlan:
    """What `adapt` does for `pattern` over `steps` steps.

    layer_costs: multiply-adds of each layer's forward pass for the support set. A layer's two backward products
    (to its input, to its weights) cost as much as its forward pass each; scale and shift cost none. inner_costs: what
    the lowest updated layer costs on top, where it is made of several maps in a row; scale_costs: the same where only
    its scales and shifts are updated (`backbones.layer_products`; none where left out).
    """
    if pattern.layers != len(layer_costs):
        raise PatternError(f"pattern {pattern} has {pattern.layers} columns for {len(layer_costs)} layers")
    updates = tuple(pattern.rows_for(steps))
    none = [0] * pattern.layers
    inner = {Update.ALL: inner_costs or none, Update.SCALES: scale_costs or none}
    cells, valid = [], 0
    for row in updates:
        lowest = lowest_updated(row)
        if lowest is None:
            cells.append(tuple(LayerStep("skipped", "none", 0) for _ in row))
            continue
        start = min(valid, lowest)
        on_top = inner[row[lowest]][lowest]
        cells.append(
            tuple(
                _layer_step(layer < start, way_back(row, layer), cost, on_top if layer == lowest else 0)
                for layer, cost in enumerate(layer_costs)
            )
        )
        valid = lowest
    return AdaptationPlan(tuple(cells), updates)


def count_cost(
    pattern: LambdaPattern,
    steps: int,
    layer_costs: Sequence[int],
    inner_costs: Sequence[int] = (),
    scale_costs: Sequence[int] = (),
) -> int:
    """Multiply-adds of one adaptation (support set to adapted weights)."""
    return plan_adaptation(pattern, steps, layer_costs, inner_costs, scale_costs).multiply_adds


def _layer_step(is_reused: bool, backward: str, cost: int, on_top: int) -> LayerStep:
    products = (not is_reused) + PRODUCTS[backward]
    return LayerStep("reused" if is_reused else "computed", backward, products * cost + on_top)
