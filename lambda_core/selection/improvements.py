"""Patterns that beat the full one at the same step count: the paper's second finding, tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.errors import SelectionError
from lambda_core.patterns import full_like
from lambda_core.selection.candidates import (
    Candidate,
    OfCandidate,
    OneSplit,
    candidates_of,
    own_step_size,
    same_step_size,
    scores_of,
)
from lambda_core.selection.paired_tests import (
    Interval,
    PairedDifference,
    bonferroni,
    check_confidence,
    mean_accuracy,
)


@dataclass(frozen=True)
class PatternGain(OfCandidate):
    """The full pattern against the best other one at the same step count: picked on one split, reported on another.

    candidate: the best other one. accuracy: its mean, 0 to 1. full: that of the full pattern, with its 95 % interval.
    gain: points above full, paired. p_value: one-sided, for "better than full". better: whether that is shown with
    `confidence`, for as many claims as `among` says. paired: what the gain rests on.
    """

    candidate: Candidate
    accuracy: float
    full: Interval
    gain: Interval
    p_value: float
    better: bool
    episodes: int
    confidence: float
    paired: PairedDifference = field(repr=False, compare=False)

    def among(self, claims: int) -> Self:
        """The same as one of so many that are looked at beside each other, such as a study each (Bonferroni)."""
        better = self.p_value * claims <= 1 - self.confidence
        return replace(self, gain=self.paired.interval(self.confidence, claims), better=better)

    @property
    def full_accuracy(self) -> float:
        return self.full.estimate

    def as_dict(self) -> dict[str, Any]:
        """Flat and fit for JSON."""
        return {
            "steps": self.steps,
            "pattern": self.pattern,
            "lr": self.lr,
            "accuracy": self.accuracy,
            **self.full.as_dict("full_accuracy"),
            **self.gain.as_dict("gain"),
            "p_value": self.p_value,
            "better": self.better,
            "episodes": self.episodes,
        }


def better_than_full(
    accuracy: OneSplit,
    confidence: float = 0.95,
    *,
    steps: Sequence[int] | None = None,
    any_lr: bool = False,
    lr: float | None = None,
) -> pd.DataFrame:
    """Every pattern against the full one at the same step count and the study's own step size, highest gain first.

    accuracy: one split. steps: the step counts to look at, all if None. any_lr: other patterns at any step size.
    lr: the study's own step size, found from the table if None.
    Returns pattern, steps, lr, accuracy, full_accuracy, gain, gain_low, gain_high (points, paired; bounds for all rows
    at once), p_value (one-sided, for "better than full"), p_adjusted (Bonferroni over all rows) and better.
    Raises SelectionError where no other pattern was measured beside a full one.
    """
    check_confidence(confidence)
    scores = scores_of(accuracy)
    candidates, own_lr = scores.candidates, own_step_size(scores.candidates, lr)
    full = _rows_of_full(candidates, own_lr, steps)
    rows = _rows_of_others(candidates, full, None if any_lr else own_lr)
    against = candidates["steps"].iloc[rows].map(full).to_numpy()
    own, beside = scores.matrix(rows), scores.matrix(against)
    paired = PairedDifference.in_points(own, beside)
    p = paired.p_above(0.0)
    adjusted = bonferroni(p)
    table = candidates.iloc[rows].assign(
        accuracy=own.mean(axis=1),
        full_accuracy=beside.mean(axis=1),
        **paired.columns("gain", confidence, len(rows)),
        p_value=p,
        p_adjusted=adjusted,
        better=adjusted <= 1 - confidence,
    )
    return table.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def best_gain_at(
    picked_on: OneSplit,
    reported_on: OneSplit,
    confidence: float = 0.95,
    *,
    steps: int = 1,
    any_lr: bool = False,
    lr: float | None = None,
) -> PatternGain:
    """The most accurate pattern other than full after `steps` steps, picked on one split, reported on another.

    picked_on, reported_on: accuracies of one split each (val, test). Settings: those of `better_than_full`.
    Raises SelectionError.
    """
    best = better_than_full(picked_on, confidence, steps=[steps], any_lr=any_lr, lr=lr).head(1)
    return _report(reported_on, candidates_of(best)[0], confidence, lr)


def best_gain(
    picked_on: OneSplit,
    reported_on: OneSplit,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    lr: float | None = None,
) -> PatternGain | None:
    """The pattern that beats the full one by most at any step count, shown on one split (corrected over all), reported
    on another; None if no pattern is shown to beat it. Settings: those of `better_than_full`. Raises SelectionError.
    """
    table = better_than_full(picked_on, confidence, any_lr=any_lr, lr=lr)
    shown = table[table["better"]].head(1)
    return None if shown.empty else _report(reported_on, candidates_of(shown)[0], confidence, lr)


def _report(accuracy: OneSplit, candidate: Candidate, confidence: float, lr: float | None) -> PatternGain:
    """What another split says of a candidate that is already picked: one look, so uncorrected."""
    scores = scores_of(accuracy)
    full = Candidate(full_like(candidate.pattern), candidate.steps, own_step_size(scores.candidates, lr))
    full_accuracy, chosen = scores.row(full), scores.row(candidate)
    paired = PairedDifference.in_points(chosen, full_accuracy)
    p = paired.p_above(0.0).item()
    return PatternGain(
        candidate=candidate,
        accuracy=float(chosen.mean()),
        full=mean_accuracy(full_accuracy),
        gain=paired.interval(confidence),
        p_value=p,
        better=p <= 1 - confidence,
        episodes=paired.episodes,
        confidence=confidence,
        paired=paired,
    )


def _rows_of_full(candidates: pd.DataFrame, own_lr: float, steps: Sequence[int] | None) -> dict[int, int]:
    """Step count → row of the full pattern at the study's own step size."""
    full = full_like(candidates["pattern"].iloc[0])
    is_full = (candidates["pattern"] == full) & same_step_size(candidates["lr"], own_lr)
    wanted = is_full if steps is None else is_full & candidates["steps"].isin(steps)
    return {int(candidates["steps"].iloc[row]): int(row) for row in np.flatnonzero(wanted)}


def _rows_of_others(candidates: pd.DataFrame, full: dict[int, int], only_lr: float | None) -> NDArray[Any]:
    """Rows of all other patterns at the step counts in `full`, at one step size or (None) at any."""
    others = candidates["steps"].isin(list(full)).to_numpy(copy=True)
    if only_lr is not None:
        others &= same_step_size(candidates["lr"], only_lr)
    others[list(full.values())] = False
    if not others.any():
        raise SelectionError("no other pattern was measured at a step count where the full pattern was")
    return np.flatnonzero(others)
