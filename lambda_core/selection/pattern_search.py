"""Search for step × layer patterns that per-layer ones do not reach: 2^(steps·layers) of them, so not one by one.

A beam grows patterns row by row. A pattern's cost is known before it runs (plan.py) and never falls as rows are added
or reach lower; what runs is told apart by successive halving (Jamieson and Talwalkar 2016) on a seeded bank of
validation episodes, keeping the best Pareto layers of cost and accuracy. All per-layer patterns run too, so the front
found contains or dominates theirs. What the search saw is optimistic: verdicts come from fresh episodes. No torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd

from lambda_core.config import SearchConfig
from lambda_core.patterns import LambdaPattern, Row, count_cost
from lambda_core.selection.candidates import Candidate
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.racing import Runner

HALVING = (4, 2, 1)  # a rung runs 1/4, 1/2, all of the search episodes


KEPT = 3  # a rung lets a third go on


MOST_ROWS = 6  # layers up to which every row is tried; with more, only unbroken runs of layers


Rows = tuple[Row, ...]


@dataclass
class SearchResult:
    """Everything that ran on all search episodes: pattern rows → accuracy (0 to 1); and the adaptations spent."""

    costs: Sequence[int]
    accuracy: dict[Rows, float] = field(default_factory=dict)
    adaptations: int = 0

    def table(self, patterns: Iterable[Rows] | None = None) -> pd.DataFrame:
        """pattern rows, multiply_adds, accuracy, per_layer, on_front (of this table)."""
        rows = list(self.accuracy if patterns is None else patterns)
        table = pd.DataFrame(
            {
                "rows": rows,
                "multiply_adds": [cost_of(each, self.costs) for each in rows],
                "accuracy": [self.accuracy[each] for each in rows],
                "per_layer": [len(set(each)) == 1 for each in rows],
            }
        )
        return table.assign(on_front=pareto_front(table, cost="multiply_adds"))

    def front(self, per_layer: bool = False) -> list[Rows]:
        """The Pareto front of all, or of the per-layer patterns alone, cheapest first."""
        asked = [rows for rows in self.accuracy if not per_layer or len(set(rows)) == 1]
        table = self.table(asked)
        return list(table[table["on_front"]].sort_values("multiply_adds", kind="stable")["rows"])


def search(runner: Runner, steps: int, lr: float, costs: Sequence[int], config: SearchConfig) -> SearchResult:
    """Patterns of 1 … `steps` rows for the layers whose forward multiply-adds are `costs`. runner: search episodes."""
    found = SearchResult(costs)
    rows = all_rows(len(costs))
    beam: list[Rows] = [()]
    for depth in range(1, steps + 1):
        constant = [(row,) * depth for row in rows]
        grown = dict.fromkeys([(*before, row) for before in beam for row in rows])
        children = [each for each in grown if len(set(each)) > 1]
        measured = _halve(found, runner, children, constant, lr, config)
        found.accuracy |= measured
        beam = best(found.table(measured), config.beam)
    return found


def best(table: pd.DataFrame, size: int) -> list[Rows]:
    """The rows of `size` patterns: whole Pareto layers of cost and accuracy, of the last one the most accurate."""
    chosen: list[Rows] = []
    while len(chosen) < size and len(table):
        front = pareto_front(table, cost="multiply_adds")
        layer = table[front].sort_values("accuracy", ascending=False, kind="stable")
        chosen += layer["rows"].tolist()[: size - len(chosen)]
        table = table[~front]
    return chosen


def all_rows(layers: int) -> list[Row]:
    """What one step may update: any layers, or for deep backbones any unbroken run of them."""
    if layers <= MOST_ROWS:
        return [row for row in product((False, True), repeat=layers) if any(row)]
    runs = [(first, last) for first in range(layers) for last in range(first, layers)]
    return [tuple(first <= layer <= last for layer in range(layers)) for first, last in runs]


def cost_of(rows: Rows, costs: Sequence[int]) -> int:
    """Multiply-adds of an adaptation under exactly these rows."""
    return count_cost(LambdaPattern(rows), len(rows), costs)


def as_candidate(rows: Rows, lr: float) -> Candidate:
    return Candidate(str(LambdaPattern(rows)), len(rows), lr)


def _halve(
    found: SearchResult, runner: Runner, children: list[Rows], constant: list[Rows], lr: float, config: SearchConfig
) -> dict[Rows, float]:
    """Accuracies over all search episodes of the per-layer patterns, and of those children that last so long."""
    running, seen, done = children, np.empty((len(children), 0)), 0
    for rung in HALVING:
        end = max(2, config.episodes // rung)
        running_now = runner([as_candidate(rows, lr) for rows in running], range(done, end)) if running else seen[:, :0]
        found.adaptations += running_now.size
        seen, done = np.concatenate([seen, running_now], axis=1), end
        if rung == 1 or not running:
            break
        means = {rows: float(mean) for rows, mean in zip(running, seen.mean(axis=1), strict=True)}
        table = SearchResult(found.costs, means).table()
        going = set(best(table, max(2 * config.beam, len(running) // KEPT)))
        kept = [number for number, rows in enumerate(running) if rows in going]
        running, seen = [running[number] for number in kept], seen[kept]
    plain = runner([as_candidate(rows, lr) for rows in constant], range(config.episodes))
    found.adaptations += plain.size
    measured = zip([*running, *constant], [*seen, *plain], strict=True)
    return {rows: float(values.mean()) for rows, values in measured}
