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
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.config import SearchConfig
from lambda_core.costs import pareto_front, ratio
from lambda_core.pairs import Floats, Paired, holm, interval_of_mean
from lambda_core.pattern import LambdaPattern, Row
from lambda_core.plan import count_cost
from lambda_core.racing import Arm, Runner
from lambda_core.verdict import judge

RUNGS = (4, 2, 1)  # a rung runs 1/4, 1/2, all of the search episodes
KEPT = 3  # a rung lets a third go on
MOST_ROWS = 6  # layers up to which every row is tried; with more, only unbroken runs of layers
Rows = tuple[Row, ...]


@dataclass
class Found:
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


def search(runner: Runner, steps: int, lr: float, costs: Sequence[int], config: SearchConfig) -> Found:
    """Patterns of 1 … `steps` rows for the layers whose forward multiply-adds are `costs`. runner: search episodes."""
    found = Found(costs)
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


def as_arm(rows: Rows, lr: float) -> Arm:
    return Arm(str(LambdaPattern(rows)), len(rows), lr)


def verdicts(found: Found, runner: Runner, reference_steps: int, lr: float, config: SearchConfig) -> pd.DataFrame:
    """The front and the per-layer front on fresh episodes (the runner's), cheapest first; degradations in points.

    pattern, steps, multiply_adds, speed_up (in multiply-adds), per_layer, on_front (of the search), search_accuracy;
    accuracy, accuracy_low/high (95 %); degradation and its interval, p_adjusted, verdict, Holm-corrected over all
    rows; and for a step × layer pattern its rival, the next more expensive per-layer pattern of the front: gain over
    it with interval (points), gain_p_adjusted (Holm over all rivalries), dominates (cheaper, and better is shown).
    """
    full: Rows = ((True,) * len(found.costs),) * reference_steps
    front, rivals = found.front(), found.front(per_layer=True)
    asked = [rows for rows in dict.fromkeys([*front, *rivals]) if rows != full] + [full]
    matrix = runner([as_arm(rows, lr) for rows in asked], range(config.fresh))
    costs = np.array([cost_of(rows, found.costs) for rows in asked])
    degradation = Paired.of(100 * (matrix[-1] - matrix))
    verdict, adjusted = judge(degradation, config.threshold, config.confidence, len(asked) - 1)
    half, spread = degradation.half_width(config.confidence), interval_of_mean(matrix)
    table = pd.DataFrame(
        {
            "pattern": [str(LambdaPattern(rows)) for rows in asked],
            "steps": [len(rows) for rows in asked],
            "multiply_adds": costs,
            "speed_up": ratio(costs[-1], costs),
            "per_layer": [len(set(rows)) == 1 for rows in asked],
            "on_front": [rows in front for rows in asked],
            "search_accuracy": [found.accuracy[rows] for rows in asked],
            "accuracy": matrix.mean(axis=1),
            "accuracy_low": matrix.mean(axis=1) - spread,
            "accuracy_high": matrix.mean(axis=1) + spread,
            "degradation": degradation.mean,
            "degradation_low": degradation.mean - half,
            "degradation_high": degradation.mean + half,
            "p_adjusted": adjusted,
            "verdict": verdict,
            "episodes": config.fresh,
        }
    )
    places = [asked.index(rows) for rows in rivals]
    table = table.assign(**_rivalry(table, matrix, places, config.confidence))
    return table.sort_values("multiply_adds", kind="stable", ignore_index=True)


def dominating(table: pd.DataFrame) -> list[tuple[str, int]]:
    """(pattern, steps) of those that are shown to dominate on every split, cheapest first. table: of `verdicts`."""
    cheapest_first = table.sort_values("multiply_adds", kind="stable")
    held = cheapest_first.groupby(["pattern", "steps"], observed=True, sort=False)["dominates"].all()
    return [(str(pattern), int(steps)) for pattern, steps in held[held].index]


def in_words(found: Found, table: pd.DataFrame) -> str:
    """What was found and how hard was looked; patterns that dominate on every split are named, or none is."""
    front, plain = len(found.front()), len(found.front(per_layer=True))
    looked = f"{len(found.accuracy)} patterns on all search episodes, {found.adaptations:,} adaptations"
    named = ", ".join(f"{pattern} × {steps}" for pattern, steps in dominating(table))
    what = f"dominate a per-layer pattern, shown on each split: {named}" if named else "none is shown to dominate"
    return f"A front of {front} patterns ({plain} per-layer alone): {what}. Looked at: {looked}."


def _rivalry(table: pd.DataFrame, matrix: Floats, rivals: list[int], confidence: float) -> dict[str, NDArray[Any]]:
    """Each step × layer pattern of the front against the next more expensive pattern of the per-layer front."""
    costs = table["multiply_adds"].to_numpy()
    pairs = []
    for place in np.flatnonzero(~table["per_layer"] & table["on_front"]):
        dearer = [rival for rival in rivals if costs[rival] > costs[place]]
        if dearer:
            pairs.append((int(place), min(dearer, key=lambda rival: int(costs[rival]))))
    names = ("gain", "gain_low", "gain_high", "gain_p_adjusted")
    told: dict[str, NDArray[Any]] = {name: np.full(len(table), np.nan) for name in names}
    rival = np.full(len(table), None, dtype=object)
    if pairs:
        ours, theirs = (np.array(side) for side in zip(*pairs, strict=True))
        paired = Paired.of(100 * (matrix[ours] - matrix[theirs]))
        half = paired.half_width(confidence)
        values = (paired.mean, paired.mean - half, paired.mean + half, holm(paired.p_above(0.0)))
        for name, value in zip(names, values, strict=True):
            told[name][ours] = value
        rival[ours] = [f"{table['pattern'][at]} × {table['steps'][at]}" for at in theirs]
    return {"rival": rival, **told, "dominates": told["gain_p_adjusted"] <= 1 - confidence}


def _halve(
    found: Found, runner: Runner, children: list[Rows], constant: list[Rows], lr: float, config: SearchConfig
) -> dict[Rows, float]:
    """Accuracies over all search episodes of the per-layer patterns, and of those children that last so long."""
    running, seen, done = children, np.empty((len(children), 0)), 0
    for rung in RUNGS:
        end = max(2, config.episodes // rung)
        running_now = runner([as_arm(rows, lr) for rows in running], range(done, end)) if running else seen[:, :0]
        found.adaptations += running_now.size
        seen, done = np.concatenate([seen, running_now], axis=1), end
        if rung == 1 or not running:
            break
        means = {rows: float(mean) for rows, mean in zip(running, seen.mean(axis=1), strict=True)}
        table = Found(found.costs, means).table()
        going = set(best(table, max(2 * config.beam, len(running) // KEPT)))
        kept = [number for number, rows in enumerate(running) if rows in going]
        running, seen = [running[number] for number in kept], seen[kept]
    plain = runner([as_arm(rows, lr) for rows in constant], range(config.episodes))
    found.adaptations += plain.size
    measured = zip([*running, *constant], [*seen, *plain], strict=True)
    return {rows: float(values.mean()) for rows, values in measured}
