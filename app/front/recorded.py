"""A lane of the race: what a study's tables recorded of one pattern, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.patterns import LambdaPattern, LayerStep, plan_adaptation
from lambda_core.selection import Scores, same_step_size

Phase = tuple[int, str, float]  # a layer, forward or backward, its share of the step
LEAST = 0.02  # of a step, that a layer takes at least: a head's own share could not be seen


@dataclass(frozen=True, eq=False)
class Lane:
    """One candidate's adaptation.

    milliseconds: (steps + 1,) medians from the start of the adaptation to the end of each step. accuracy: (episodes,
    steps + 1) of each test episode after each step, 0 to 1. phases: for each step, what is computed, in order.
    """

    pattern: LambdaPattern
    milliseconds: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    phases: list[list[Phase]]

    @property
    def steps(self) -> int:
        return len(self.milliseconds) - 1


def record(
    accuracy: Scores, costs: pd.DataFrame, pattern: LambdaPattern, steps: int, lr: float, layers: Sequence[int]
) -> Lane | None:
    """The lane of a pattern; None where some step of it was not measured.

    accuracy: a study's, of one split. costs: `Choice.verdicts`. layers: forward multiply-adds of each.
    """
    steps = steps if pattern.updates_anything else 0
    first = pattern.layers * "0"
    text = str(pattern.first(steps)) if steps else first
    right = _by_step(accuracy, text, first, lr)
    times = costs[costs["pattern"] == text].set_index("steps")["milliseconds"].to_dict() | {0: 0.0}
    wanted = range(steps + 1)
    if not all(step in right.columns and step in times for step in wanted):
        return None
    spent = np.maximum.accumulate([times[step] for step in wanted])  # medians of their own may cross by a hair
    return Lane(pattern, spent, right[list(wanted)].to_numpy(float), _phases(pattern, steps, layers))


def typical_first(lanes: Sequence[Lane]) -> list[int]:
    """The episodes, those first in which every lane ends nearest to its mean."""
    ends = np.array([lane.accuracy[:, -1] for lane in lanes])
    away = np.abs(ends - ends.mean(axis=1, keepdims=True)).sum(axis=0)
    return [int(episode) for episode in np.argsort(away, kind="stable")]


def _by_step(accuracy: Scores, text: str, idle: str, lr: float) -> pd.DataFrame:
    """Episodes × steps. Before the first step every pattern is the one that updates nothing."""
    known = accuracy.candidates
    rows = np.flatnonzero(
        known["pattern"].isin([text, idle]) & (same_step_size(known["lr"], lr) | (known["steps"] == 0))
    )
    found = pd.DataFrame(accuracy.matrix(rows).T, index=accuracy.episodes, columns=known["steps"].iloc[rows])
    return found.sort_index()


def _phases(pattern: LambdaPattern, steps: int, layers: Sequence[int]) -> list[list[Phase]]:
    return [_phases_of_step(row, layers) for row in plan_adaptation(pattern, steps, layers).cells] if steps else []


def _phases_of_step(row: Sequence[LayerStep], layers: Sequence[int]) -> list[Phase]:
    """Forward from the lowest layer that is computed, then backward to the lowest that is updated."""
    least = LEAST * max(1, sum(layers))
    work = [
        (layer, "forward", max(layers[layer], least)) for layer, cell in enumerate(row) if cell.forward == "computed"
    ]
    work += [
        (layer, "backward", max(row[layer].products_back * layers[layer], least))
        for layer in reversed(range(len(row)))
        if row[layer].backward != "none"
    ]
    whole = sum(part for *_, part in work)
    return [(layer, kind, part / whole) for layer, kind, part in work]
