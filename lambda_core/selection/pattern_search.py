"""Search for step × layer patterns that per-layer ones do not reach: 2^(steps·layers) of them, so not one by one.

A beam grows patterns row by row. A pattern's cost is known before it runs (`count_cost`) and never falls as rows are
added or reach lower. Candidates that run are separated by successive halving (Jamieson and Talwalkar 2016, AISTATS) on
a seeded bank of validation episodes, keeping the best Pareto layers of cost and accuracy. All per-layer patterns run
too, so the front that is found contains or dominates theirs. What the search saw is optimistic: verdicts come from
fresh episodes (`judge_search`). No torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lambda_core.config import SearchConfig
from lambda_core.patterns import LambdaPattern, Row, Update, count_cost
from lambda_core.selection.candidates import Candidate
from lambda_core.selection.paired_tests import Floats
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.racing import Runner

HALVING = (4, 2, 1)  # the rounds run 1/4, 1/2 and all of the search episodes
SURVIVORS = 3  # one in three goes on after a round
MOST_LAYERS = 6  # up to which every row is tried; with more, only unbroken runs of layers

Rows = tuple[Row, ...]


@dataclass
class SearchResult:
    """Everything that ran on all search episodes, and what that took.

    costs: forward multiply-adds of each layer. accuracy: pattern rows → mean accuracy, 0 to 1. adaptations: one
    pattern on one episode counts one.
    """

    costs: Sequence[int]
    accuracy: dict[Rows, float] = field(default_factory=dict)
    adaptations: int = 0

    def table(self, patterns: Iterable[Rows] | None = None) -> pd.DataFrame:
        """pattern rows, multiply_adds, accuracy, per_layer, on_front (of this table); of all patterns, or of some."""
        rows = list(self.accuracy if patterns is None else patterns)
        table = pd.DataFrame(
            {
                "rows": rows,
                "multiply_adds": [cost_of(each, self.costs) for each in rows],
                "accuracy": [self.accuracy[each] for each in rows],
                "per_layer": [is_per_layer(each) for each in rows],
            }
        )
        return table.assign(on_front=pareto_front(table, cost="multiply_adds"))

    def front(self) -> list[Rows]:
        """The Pareto front of all patterns, cheapest first."""
        return self._front(self.accuracy)

    def per_layer_front(self) -> list[Rows]:
        """The Pareto front of the per-layer patterns alone, cheapest first."""
        return self._front(rows for rows in self.accuracy if is_per_layer(rows))

    def _front(self, patterns: Iterable[Rows]) -> list[Rows]:
        table = self.table(patterns)
        return list(table[table["on_front"]].sort_values("multiply_adds", kind="stable")["rows"])


def search(runner: Runner, steps: int, lr: float, costs: Sequence[int], config: SearchConfig) -> SearchResult:
    """Look for good patterns of 1 … `steps` rows.

    runner: runs candidates on the search episodes. lr: inner step size of all patterns.
    costs: forward multiply-adds of each layer.
    """
    result = SearchResult(costs)
    rows = all_rows(len(costs), finer=config.finer)
    beam: list[Rows] = [()]
    for depth in range(1, steps + 1):
        constant = [(row,) * depth for row in rows]
        grown = dict.fromkeys([(*before, row) for before in beam for row in rows])
        survivors, seen = _halve(result, runner, [each for each in grown if not is_per_layer(each)], lr, config)
        plain = _run(result, runner, constant, lr, range(config.episodes))
        measured = zip([*survivors, *constant], [*seen, *plain], strict=True)
        accuracy = {rows: float(values.mean()) for rows, values in measured}
        result.accuracy |= accuracy
        beam = best(result.table(accuracy), config.beam)
    return result


def best(table: pd.DataFrame, size: int) -> list[Rows]:
    """The rows of `size` patterns: whole Pareto layers of cost and accuracy, of the last one the most accurate.

    table: of `SearchResult.table`.
    """
    chosen: list[Rows] = []
    while len(chosen) < size and len(table):
        front = pareto_front(table, cost="multiply_adds")
        layer = table[front].sort_values("accuracy", ascending=False, kind="stable")
        chosen += layer["rows"].tolist()[: size - len(chosen)]
        table = table[~front]
    return chosen


def all_rows(layers: int, *, finer: bool = False) -> list[Row]:
    """What one step may update: any layers, or for deep backbones any unbroken run of them.

    finer: also scale and shift alone of a run of layers, with all layers above it: 0nn11.
    """
    runs = [(first, end) for first in range(layers) for end in range(first + 1, layers + 1)]
    if layers <= MOST_LAYERS:
        rows = [pattern.rows[0] for pattern in LambdaPattern.enumerate(layers) if pattern.updates_anything]
    else:
        rows = [_row(layers, first, end, Update.ALL, Update.NOTHING) for first, end in runs]
    return rows + [_row(layers, first, end, Update.SCALES, Update.ALL) for first, end in runs] * finer


def _row(layers: int, first: int, end: int, inside: Update, above: Update) -> Row:
    """`inside` from layer `first` to before `end`, `above` from there on, nothing below."""
    return (Update.NOTHING,) * first + (inside,) * (end - first) + (above,) * (layers - end)


def is_per_layer(rows: Rows) -> bool:
    """Whether all steps update the same layers."""
    return len(set(rows)) == 1


def cost_of(rows: Rows, costs: Sequence[int]) -> int:
    """Multiply-adds of an adaptation under exactly these rows."""
    return count_cost(LambdaPattern(rows), len(rows), costs)


def as_candidate(rows: Rows, lr: float) -> Candidate:
    """The pattern of these rows in its shortest text, for as many steps as there are rows."""
    return Candidate(str(LambdaPattern(rows)), len(rows), lr)


def _halve(
    result: SearchResult, runner: Runner, patterns: list[Rows], lr: float, config: SearchConfig
) -> tuple[list[Rows], Floats]:
    """The patterns that last through all rounds of HALVING, and their accuracies (patterns, episodes)."""
    seen = np.empty((len(patterns), 0))
    for share in HALVING:
        if not patterns:
            break
        if seen.shape[1]:
            going_on = _survivors(result, patterns, seen, config)
            patterns, seen = [patterns[number] for number in going_on], seen[going_on]
        episodes = range(seen.shape[1], max(2, config.episodes // share))
        seen = np.concatenate([seen, _run(result, runner, patterns, lr, episodes)], axis=1)
    return patterns, seen


def _survivors(result: SearchResult, patterns: list[Rows], seen: Floats, config: SearchConfig) -> list[int]:
    """Numbers of the patterns that go on: the best third by what was seen, but no fewer than two beams."""
    means = {rows: float(mean) for rows, mean in zip(patterns, seen.mean(axis=1), strict=True)}
    table = SearchResult(result.costs, means).table()
    going = set(best(table, max(2 * config.beam, len(patterns) // SURVIVORS)))
    return [number for number, rows in enumerate(patterns) if rows in going]


def _run(result: SearchResult, runner: Runner, patterns: list[Rows], lr: float, episodes: range) -> Floats:
    """Accuracies (patterns, episodes), counted among the result's adaptations."""
    accuracy = runner([as_candidate(rows, lr) for rows in patterns], episodes)
    result.adaptations += accuracy.size
    return accuracy
