"""A selected candidate, and its one confirmation on unseen classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from lambda_core.patterns import full_like
from lambda_core.selection.candidates import candidate_index, episode_matrix
from lambda_core.selection.costs import Axis
from lambda_core.selection.paired_tests import Floats, PairedDifference
from lambda_core.selection.verdicts import Verdict, judge


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


def confirm(choice: Choice, accuracy: pd.DataFrame) -> Confirmation:
    """Test the choice once on another split's accuracy table. Raises SelectionError if it lacks the candidate."""
    candidates, matrix = episode_matrix(accuracy)
    full = full_like(choice.pattern)
    reference = matrix[candidate_index(candidates, full, choice.reference_steps, choice.reference_lr)]
    chosen = matrix[candidate_index(candidates, choice.pattern, choice.steps, choice.lr)]
    return single_test(chosen, reference, choice.threshold, choice.confidence)


def single_test(chosen: Floats, reference: Floats, threshold: float, confidence: float) -> Confirmation:
    """One uncorrected look at a candidate's accuracies (0 to 1) beside the reference's on the same episodes."""
    paired = PairedDifference.of(100 * (reference - chosen)[None])
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
