"""The fastest pattern whose loss of accuracy is shown to stay within a threshold, with a stated error rate.

Tables are those of a study, one split each (see DESIGN.md); accuracies 0 to 1, degradations and thresholds in
percentage points. Everything is paired by episode. Pass and fail are one-sided t tests, corrected by Holm (1979) over
all candidates looked at, so that the chance of calling *any* truly worse candidate a pass stays below 1 − confidence.
benchmarks/promise.py shows it by simulation, and its limit: near 99 % accuracy, errors are too rare and lopsided for a
t test on few episodes, and the hardest world breaks the promise (about 9 % at 20 episodes, little from 100 on).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lambda_core.errors import SelectionError
from lambda_core.patterns import full_like
from lambda_core.selection.candidates import candidate_index, episode_matrix, own_step_size
from lambda_core.selection.choice import Choice
from lambda_core.selection.costs import AXES, Axis, candidate_costs, ratio
from lambda_core.selection.paired_tests import (
    Floats,
    PairedDifference,
    check_confidence,
    check_threshold,
    half_width_of_mean,
)
from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.verdicts import fastest, judge


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
        p, half = self.degradation.p_at_most(threshold), self.degradation.half_width(confidence)
        verdicts, adjusted = judge(self.degradation, threshold, confidence, self.reference)
        return self.candidates.assign(
            degradation=self.degradation.mean,
            degradation_low=self.degradation.mean - half,
            degradation_high=self.degradation.mean + half,
            p_value=p,
            p_adjusted=adjusted,
            verdict=verdicts,
        )

    def choose(self, threshold: float, confidence: float = 0.95) -> Choice:
        """The fastest candidate that passes; the reference itself if nothing faster does."""
        table = self.table(threshold, confidence)
        cost, accuracy = table[self.axis].to_numpy(float), table["accuracy"].to_numpy(float)
        passing = (table["verdict"] == "pass").to_numpy()
        chosen = table.iloc[fastest(passing, cost, self._spread(), accuracy, self.reference)]
        return Choice(
            pattern=str(chosen["pattern"]),
            steps=int(chosen["steps"]),
            lr=float(chosen["lr"]),
            speed_up=float(chosen["speed_up"]),
            degradation=float(chosen["degradation"]),
            degradation_low=float(chosen["degradation_low"]),
            degradation_high=float(chosen["degradation_high"]),
            accuracy=float(chosen["accuracy"]),
            milliseconds=float(chosen["milliseconds"]),
            multiply_adds=int(chosen["multiply_adds"]),
            threshold=float(threshold),
            confidence=float(confidence),
            reference_steps=int(self.candidates["steps"].iloc[self.reference]),
            reference_lr=float(self.candidates["lr"].iloc[self.reference]),
            episodes=self.degradation.episodes,
            candidates=len(table) - 1,
            axis=self.axis,
            verdicts=table,
        )

    def _spread(self) -> Floats:
        if self.axis == "multiply_adds":  # counted, not measured
            return np.zeros(len(self.candidates))
        spread: Floats = (self.candidates["milliseconds_high"] - self.candidates["milliseconds_low"]).to_numpy(float)
        return spread


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

    any_lr: look at step sizes other than the study's own too. lr: the study's own; found from the tables if None.
    axis: what speed-up and fastest are about, milliseconds or multiply_adds. Raises SelectionError.
    """
    if axis not in AXES:
        raise SelectionError(f"speed is measured in {' or '.join(AXES)}, not {axis!r}")
    candidates, matrix = episode_matrix(accuracy)
    own = own_step_size(candidates, lr)
    if not any_lr:
        kept = np.isclose(candidates["lr"], own)
        candidates, matrix = candidates[kept].reset_index(drop=True), matrix[kept]
    reference = candidate_index(candidates, full_like(candidates["pattern"].iloc[0]), reference_steps, own)
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
    return Comparison(described, PairedDifference.of(100 * (matrix[reference] - matrix)), reference, axis)


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
    any_lr: bool = False,
    axis: Axis = "milliseconds",
) -> Choice:
    """The fastest candidate shown to lose at most `threshold` points, wrong with a chance below 1 − confidence.

    accuracy, timing: tables of a study, one split (validation) and one device. Raises SelectionError.
    """
    return compare_candidates(accuracy, timing, reference_steps, any_lr=any_lr, axis=axis).choose(threshold, confidence)


def budget_curve(comparison: Comparison, thresholds: Floats | list[float], confidence: float = 0.95) -> pd.DataFrame:
    """What each threshold buys: threshold (points), speed_up, pattern, steps, lr, accuracy."""
    choices = [comparison.choose(float(threshold), confidence) for threshold in thresholds]
    names = ("threshold", "speed_up", "pattern", "steps", "lr", "accuracy")
    return pd.DataFrame([{name: getattr(choice, name) for name in names} for choice in choices], columns=list(names))
