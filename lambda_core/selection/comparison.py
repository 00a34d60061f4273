"""The fastest pattern whose loss of accuracy is shown to stay within a threshold, with a stated error rate.

Tables are those of a study, one split each; accuracies are 0 to 1, degradations and thresholds in percentage points.
Everything is paired by episode. Pass and fail are one-sided t tests, corrected by Holm (1979) over all candidates
looked at, so that the chance of calling *any* truly worse candidate a pass stays below 1 − confidence.
benchmarks/promise.py shows it by simulation, and its limit: near 99 % accuracy, errors are too rare and lopsided for a
t test on few episodes, and the hardest world breaks the promise (about 9 % at 20 episodes, little from 100 on).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lambda_core.errors import SelectionError
from lambda_core.patterns import full_like
from lambda_core.selection.candidates import (
    Candidate,
    candidate_index,
    candidates_of,
    episode_matrix,
    own_step_size,
    same_step_size,
)
from lambda_core.selection.choice import Choice
from lambda_core.selection.costs import AXES, Axis, candidate_costs, cost_and_spread, ratio
from lambda_core.selection.paired_tests import (
    Floats,
    Interval,
    PairedDifference,
    check_confidence,
    check_threshold,
    half_width_of_mean,
)
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.verdicts import fastest, judge

DEGRADATION = ("degradation", "degradation_low", "degradation_high")


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that the tables say about the candidates, before any threshold; asking it with a new one costs little.

    candidates: pattern, steps, lr, accuracy, accuracy_low/high (95 %), milliseconds (median), milliseconds_low/high
    (quartiles), multiply_adds, speed_up, on_front, reference. degradation: paired with the reference, in points.
    """

    candidates: pd.DataFrame
    degradation: PairedDifference
    reference: int
    axis: Axis

    def table(self, threshold: float, confidence: float = 0.95) -> pd.DataFrame:
        """One row a candidate: `candidates` with degradation (t interval), p_value, p_adjusted and verdict."""
        check_threshold(threshold)
        check_confidence(confidence)
        verdicts, adjusted = judge(self.degradation, threshold, confidence, self.reference)
        return self.candidates.assign(
            **self.degradation.columns("degradation", confidence),
            p_value=self.degradation.p_at_most(threshold),
            p_adjusted=adjusted,
            verdict=verdicts,
        )

    def choose(self, threshold: float, confidence: float = 0.95) -> Choice:
        """The fastest candidate that passes; the reference itself if nothing faster does.

        threshold: points. Raises SelectionError for a threshold or confidence that no honest choice can be made with.
        """
        table = self.table(threshold, confidence)
        passing = (table["verdict"] == "pass").to_numpy()
        cost, spread = cost_and_spread(table, self.axis)
        row = fastest(passing, cost, spread, table["accuracy"].to_numpy(float), self.reference)
        chosen = table.iloc[row]
        candidate, reference = candidates_of(table.iloc[[row, self.reference]])
        return Choice(
            candidate=candidate,
            reference=reference,
            speed_up=float(chosen["speed_up"]),
            degradation=Interval(*(float(chosen[name]) for name in DEGRADATION)),
            accuracy=float(chosen["accuracy"]),
            milliseconds=float(chosen["milliseconds"]),
            multiply_adds=int(chosen["multiply_adds"]),
            threshold=float(threshold),
            confidence=float(confidence),
            episodes=self.degradation.episodes,
            candidates=len(table) - 1,
            axis=self.axis,
            verdicts=table,
        )


def compare_candidates(
    accuracy: pd.DataFrame,
    timing: pd.DataFrame | None,
    reference_steps: int,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
    lr: float | None = None,
) -> Comparison:
    """Pair every candidate with the full pattern at `reference_steps` and the study's own step size.

    accuracy, timing: tables of a study, one split and one timing condition.
    any_lr: look at step sizes other than the study's own too. lr: the study's own; found from the tables if None.
    axis: what speed-up and fastest are about, milliseconds or multiply_adds.
    Raises SelectionError where the tables lack the reference or a cost, or cannot be compared.
    """
    if axis not in AXES:
        raise SelectionError(f"speed is measured in {' or '.join(AXES)}, not {axis!r}")
    candidates, matrix = episode_matrix(accuracy)
    own_lr = own_step_size(candidates, lr)
    if not any_lr:
        compared = same_step_size(candidates["lr"], own_lr)
        candidates, matrix = candidates[compared].reset_index(drop=True), matrix[compared]
    full = Candidate(full_like(candidates["pattern"].iloc[0]), reference_steps, own_lr)
    reference = candidate_index(candidates, full)
    costs = candidate_costs(candidates, timing)
    half = half_width_of_mean(matrix)
    mean = matrix.mean(axis=1)
    described = candidates.assign(
        accuracy=mean,
        accuracy_low=np.maximum(mean - half, 0.0),
        accuracy_high=np.minimum(mean + half, 1.0),
        **costs,
        speed_up=ratio(costs[axis][reference], costs[axis]),
        reference=np.arange(len(candidates)) == reference,
    )
    described["on_front"] = pareto_front(described, cost=axis)
    return Comparison(described, PairedDifference.in_points(matrix[reference], matrix), reference, axis)


def candidate_table(
    accuracy: pd.DataFrame,
    timing: pd.DataFrame,
    reference_steps: int,
    threshold: float,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
) -> pd.DataFrame:
    """One row a candidate with cost, accuracy, degradation and verdict: see Comparison, and keep it to ask again."""
    return compare_candidates(accuracy, timing, reference_steps, any_lr=any_lr, axis=axis).table(threshold, confidence)


def select_pattern(
    accuracy: pd.DataFrame,
    timing: pd.DataFrame,
    reference_steps: int,
    threshold: float,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
) -> Choice:
    """The fastest candidate shown to lose at most `threshold` points, wrong with a chance below 1 − confidence.

    accuracy: split, pattern, steps, lr, episode, accuracy (0 to 1), of one split (validation).
    timing: pattern, steps, device, threads, milliseconds, multiply_adds, of one device and thread count.
    reference_steps: step count of the full pattern that all are compared with. threshold: points.
    any_lr: choose over all step sizes in the table. axis: what fastest means, milliseconds or multiply_adds.
    Raises SelectionError for tables or settings that no honest choice can be made with.
    """
    return compare_candidates(accuracy, timing, reference_steps, any_lr=any_lr, axis=axis).choose(threshold, confidence)


def budget_curve(comparison: Comparison, thresholds: Floats | list[float], confidence: float = 0.95) -> pd.DataFrame:
    """What each threshold buys: threshold (points), speed_up, pattern, steps, lr, accuracy."""
    choices = [comparison.choose(float(threshold), confidence) for threshold in thresholds]
    names = ("threshold", "speed_up", "pattern", "steps", "lr", "accuracy")
    return pd.DataFrame([{name: getattr(choice, name) for name in names} for choice in choices], columns=list(names))
