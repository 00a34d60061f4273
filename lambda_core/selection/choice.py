"""A selected candidate, and its confirmation on unseen classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lambda_core.selection.candidates import Candidate, OfCandidate, OneSplit, scores_of
from lambda_core.selection.paired_tests import Floats, Interval, PairedDifference
from lambda_core.selection.speed import Axis
from lambda_core.selection.verdicts import Verdict, verdicts_at


@dataclass(frozen=True, eq=False)
class Choice(OfCandidate):
    """The selected candidate and what the selection rests on.

    candidate: the chosen one. reference: the full pattern at the study's own step count and step size.
    speed: by `axis`, reference / chosen, with its 95 % interval (of one candidate, from paired rounds); infinite where
    no adaptation at all is enough. near_fastest: the chance that it is within 5 % of the fastest that passes.
    degradation: points on the selection split, paired; the ends are bounds that hold for all candidates at once.
    accuracy: 0 to 1. threshold: points. peak_bytes: memory at its most, None where not counted; memory: bytes allowed,
    None: any number.
    candidates: how many were looked at, the reference not counted: what the correction corrects for.
    finalists: how many different candidates the thresholds from 0 to 100 choose: what confirmations are corrected for.
    verdicts: `Comparison.table`, a row a candidate.
    """

    candidate: Candidate
    reference: Candidate
    speed: Interval
    near_fastest: float
    degradation: Interval
    accuracy: float
    milliseconds: float
    multiply_adds: int
    threshold: float
    confidence: float
    episodes: int
    candidates: int
    finalists: int
    axis: Axis
    verdicts: pd.DataFrame = field(repr=False)
    peak_bytes: int | None = None
    memory: int | None = None

    @property
    def speed_up(self) -> float:
        return self.speed.estimate

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
        after = ("accuracy", "milliseconds", "multiply_adds", "peak_bytes", "memory", "threshold", "confidence",
                 "reference_steps", "reference_lr", "episodes", "candidates", "finalists", "axis")  # fmt: skip
        speed = self.speed.as_dict("speed_up").items()
        return {
            **{name: getattr(self, name) for name in before},
            **{name: value if math.isfinite(value) else None for name, value in speed},
            "near_fastest": self.near_fastest,
            **self.degradation.as_dict("degradation"),
            **{name: getattr(self, name) for name in after},
        }


@dataclass(frozen=True)
class Confirmation:
    """What classes that the selection never saw say of a choice.

    degradation: points, paired; each end holds with the choice's confidence, for all `claims` candidates that might
    have been looked at in its place, and at any number of episodes. accuracy, reference_accuracy: 0 to 1.
    """

    verdict: Verdict
    degradation: Interval
    accuracy: float
    reference_accuracy: float
    episodes: int
    claims: int

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
            "claims": self.claims,
        }


def confirm(choice: Choice, accuracy: OneSplit) -> Confirmation:
    """Test the choice on another split's accuracies, corrected for all candidates that any threshold chooses.

    So the threshold may be moved and test classes looked at each time. Not corrected: other studies that look at the
    same test classes. Raises SelectionError if the table lacks the candidate.
    """
    scores = scores_of(accuracy)
    reference, chosen = scores.row(choice.reference), scores.row(choice.candidate)
    claims = max(1, choice.finalists)
    return single_test(chosen, reference, choice.threshold, choice.confidence, claims, is_reference=choice.is_reference)


def single_test(
    chosen: Floats,
    reference: Floats,
    threshold: float,
    confidence: float,
    claims: int = 1,
    *,
    is_reference: bool = False,
) -> Confirmation:
    """A candidate beside the reference on the same episodes, one of `claims` that might have been looked at.

    chosen, reference: accuracies (episodes,), 0 to 1. threshold: points. is_reference: the two are one, so nothing is
    lost for sure.
    """
    none_lost = Interval(0.0, 0.0, 0.0)
    paired = PairedDifference.in_points(reference, chosen)
    degradation = none_lost if is_reference else paired.interval(confidence, claims)
    return Confirmation(
        verdict=verdicts_at(threshold, np.array([degradation.low]), np.array([degradation.high])).item(),
        degradation=degradation,
        accuracy=float(chosen.mean()),
        reference_accuracy=float(reference.mean()),
        episodes=len(chosen),
        claims=claims,
    )
