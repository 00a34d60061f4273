"""A selected candidate, and its one confirmation on unseen classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lambda_core.selection.candidates import Candidate, OfCandidate, candidate_index, episode_matrix
from lambda_core.selection.costs import Axis
from lambda_core.selection.paired_tests import Floats, Interval, PairedDifference
from lambda_core.selection.verdicts import Verdict, judge


@dataclass(frozen=True, eq=False)
class Choice(OfCandidate):
    """The selected candidate and what the selection rests on.

    candidate: the chosen one. reference: the full pattern at the study's own step count and step size.
    speed_up: by `axis`, reference / chosen; infinite where no adaptation at all is enough.
    degradation: points on the selection split, paired. accuracy: 0 to 1. threshold: points.
    candidates: how many were looked at, the reference not counted: what the correction corrects for.
    verdicts: `Comparison.table`, a row a candidate.
    """

    candidate: Candidate
    reference: Candidate
    speed_up: float
    degradation: Interval
    accuracy: float
    milliseconds: float
    multiply_adds: int
    threshold: float
    confidence: float
    episodes: int
    candidates: int
    axis: Axis
    verdicts: pd.DataFrame = field(repr=False)

    @property
    def reference_steps(self) -> int:
        return self.reference.steps

    @property
    def reference_lr(self) -> float:
        return self.reference.lr

    @property
    def is_reference(self) -> bool:
        """Nothing faster passed: the full pattern itself."""
        return self.candidate.is_same(self.reference)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the table, flat and fit for JSON: an infinite speed-up is null."""
        before = ("pattern", "steps", "lr")
        after = ("accuracy", "milliseconds", "multiply_adds", "threshold", "confidence", "reference_steps",
                 "reference_lr", "episodes", "candidates", "axis")  # fmt: skip
        return {
            **{name: getattr(self, name) for name in before},
            "speed_up": self.speed_up if math.isfinite(self.speed_up) else None,
            **self.degradation.as_dict("degradation"),
            **{name: getattr(self, name) for name in after},
        }


@dataclass(frozen=True)
class Confirmation:
    """One look, so uncorrected, at a choice on classes that the selection never saw.

    degradation: points, paired. accuracy, reference_accuracy: 0 to 1.
    """

    verdict: Verdict
    degradation: Interval
    accuracy: float
    reference_accuracy: float
    episodes: int

    def as_dict(self) -> dict[str, Any]:
        """Flat and fit for JSON."""
        return {
            "verdict": self.verdict,
            "degradation": self.degradation.estimate,
            "low": self.degradation.low,
            "high": self.degradation.high,
            "accuracy": self.accuracy,
            "reference_accuracy": self.reference_accuracy,
            "episodes": self.episodes,
        }


def confirm(choice: Choice, accuracy: pd.DataFrame) -> Confirmation:
    """Test the choice once on another split's accuracy table. Raises SelectionError if it lacks the candidate."""
    candidates, matrix = episode_matrix(accuracy)
    reference = matrix[candidate_index(candidates, choice.reference)]
    chosen = matrix[candidate_index(candidates, choice.candidate)]
    return single_test(chosen, reference, choice.threshold, choice.confidence)


def single_test(chosen: Floats, reference: Floats, threshold: float, confidence: float) -> Confirmation:
    """One uncorrected look at a candidate beside the reference on the same episodes.

    chosen, reference: accuracies (episodes,), 0 to 1. threshold: points.
    """
    paired = PairedDifference.in_points(reference, chosen)
    verdicts, _ = judge(paired, threshold, confidence)
    return Confirmation(
        verdict=verdicts.item(),
        degradation=paired.interval(confidence),
        accuracy=float(chosen.mean()),
        reference_accuracy=float(reference.mean()),
        episodes=paired.episodes,
    )
