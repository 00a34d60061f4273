"""The fastest pattern whose loss of accuracy is shown to stay within a threshold, with a stated error rate.

Tables are those of a study, one split each (see DESIGN.md); accuracies 0 to 1, degradations and thresholds in
percentage points. Everything is paired by episode. Pass and fail are one-sided t tests, corrected by Holm (1979) over
all candidates looked at, so that the chance of calling *any* truly worse candidate a pass stays below 1 − confidence.
benchmarks/promise.py shows it by simulation, and its limit: near 99 % accuracy, errors are too rare and lopsided for a
t test on few episodes, and the hardest world breaks the promise (about 9 % at 20 episodes, little from 100 on).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from lambda_core.costs import AXES, Axis, candidate_costs, pareto_front, ratio, timing_conditions, under
from lambda_core.errors import SelectionError
from lambda_core.gains import OneStep, best_gain, better_than_full, one_step
from lambda_core.pairs import (
    Floats,
    Paired,
    check_confidence,
    check_threshold,
    episode_matrix,
    find,
    interval_of_mean,
    own_step_size,
)
from lambda_core.verdict import Verdict, fastest, judge
from lambda_core.words import describe_pattern, sentence

__all__ = [
    "Axis",
    "Choice",
    "Confirmation",
    "Evidence",
    "OneStep",
    "Verdict",
    "best_gain",
    "better_than_full",
    "budget_curve",
    "candidate_table",
    "confirm",
    "describe_pattern",
    "one_step",
    "pareto_front",
    "select_pattern",
    "sentence",
    "timing_conditions",
    "under",
    "weigh",
]


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that the tables say about the candidates, before any threshold; asking it with a new one costs little.

    candidates: pattern, steps, lr, accuracy, accuracy_low/high (95 %), milliseconds (median), milliseconds_low/high
    (quartiles), multiply_adds, speed_up, on_front, reference. degradation: paired with the reference, in points.
    """

    candidates: pd.DataFrame
    degradation: Paired
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


@dataclass(frozen=True, eq=False)
class Choice:
    """The selected candidate and what the selection rests on. degradation…: points on the selection split."""

    pattern: str
    steps: int
    lr: float
    speed_up: float  # by `axis`: reference / chosen; infinite where no adaptation at all is enough
    degradation: float
    degradation_low: float
    degradation_high: float
    accuracy: float
    milliseconds: float
    multiply_adds: int
    threshold: float
    confidence: float
    reference_steps: int
    reference_lr: float
    episodes: int
    candidates: int  # looked at, the reference not counted: what the correction corrects for
    axis: Axis
    verdicts: pd.DataFrame = field(repr=False)

    @property
    def is_reference(self) -> bool:
        """Nothing faster passed: the full pattern itself."""
        own = (self.steps, self.lr) == (self.reference_steps, self.reference_lr)
        return own and set(self.pattern) == {"1"}

    def as_dict(self) -> dict[str, Any]:
        """Everything but the table, fit for JSON: an infinite speed-up is null."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "verdicts"}
        return values | {"speed_up": self.speed_up if math.isfinite(self.speed_up) else None}


@dataclass(frozen=True)
class Confirmation:
    """One look, so uncorrected, at a choice on classes that the selection never saw; points."""

    verdict: Verdict
    degradation: float
    low: float
    high: float
    accuracy: float
    reference_accuracy: float
    episodes: int


def weigh(
    accuracy: pd.DataFrame,
    timing: pd.DataFrame | None,
    reference_steps: int,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
    lr: float | None = None,
) -> Evidence:
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
    reference = find(candidates, "1" * len(candidates["pattern"].iloc[0].split("/")[0]), reference_steps, own)
    costs = candidate_costs(candidates, timing)
    half = interval_of_mean(matrix)
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
    return Evidence(described, Paired.of(100 * (matrix[reference] - matrix)), reference, axis)


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
    """One row a candidate with cost, accuracy, degradation and verdict: see Evidence, and keep it to ask again."""
    return weigh(accuracy, timing, reference_steps, any_lr=any_lr, axis=axis).table(threshold, confidence)


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
    return weigh(accuracy, timing, reference_steps, any_lr=any_lr, axis=axis).choose(threshold, confidence)


def confirm(choice: Choice, accuracy: pd.DataFrame) -> Confirmation:
    """Test the choice once on another split's accuracy table. Raises SelectionError if it lacks the candidate."""
    candidates, matrix = episode_matrix(accuracy)
    full = "1" * len(choice.pattern.split("/")[0])
    reference = matrix[find(candidates, full, choice.reference_steps, choice.reference_lr)]
    chosen = matrix[find(candidates, choice.pattern, choice.steps, choice.lr)]
    return look_once(chosen, reference, choice.threshold, choice.confidence)


def look_once(chosen: Floats, reference: Floats, threshold: float, confidence: float) -> Confirmation:
    """One uncorrected look at a candidate's accuracies (0 to 1) beside the reference's on the same episodes."""
    paired = Paired.of(100 * (reference - chosen)[None])
    mean, half = float(paired.mean[0]), float(paired.half_width(confidence)[0])
    verdicts, _ = judge(paired, threshold, confidence)
    return Confirmation(
        verdict=verdicts.item(),
        degradation=mean,
        low=mean - half,
        high=mean + half,
        accuracy=float(chosen.mean()),
        reference_accuracy=float(reference.mean()),
        episodes=paired.episodes,
    )


def budget_curve(evidence: Evidence, thresholds: Floats | list[float], confidence: float = 0.95) -> pd.DataFrame:
    """What each threshold buys: threshold (points), speed_up, pattern, steps, lr, accuracy."""
    choices = [evidence.choose(float(threshold), confidence) for threshold in thresholds]
    names = ("threshold", "speed_up", "pattern", "steps", "lr", "accuracy")
    return pd.DataFrame([{name: getattr(choice, name) for name in names} for choice in choices], columns=list(names))
