"""Paired statistics: the same episodes under every candidate, compared one by one with the reference.

The t distribution comes from scipy.special: scipy.stats, which the tests hold this against, takes a second to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from lambda_core.errors import SelectionError

Floats = NDArray[np.float64]
KEYS = ["pattern", "steps", "lr"]


def episode_matrix(accuracy: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """One split's accuracy table as (candidates, matrix).

    candidates: columns pattern, steps, lr; one row a candidate, in order of first appearance.
    matrix: (candidates, episodes) float64, accuracy 0 to 1; a column is one episode.
    Raises SelectionError for NaN, unequal or doubled episodes, fewer than two episodes, or several splits.
    """
    _check_one_split(accuracy)
    codes = _candidate_codes(accuracy)
    candidate, first = _numbered(codes)
    episode, _ = _numbered(accuracy["episode"].to_numpy())
    shape = (len(first), int(episode.max()) + 1)
    cells = candidate * shape[1] + episode
    candidates = accuracy[KEYS].iloc[first].reset_index(drop=True).astype({"pattern": "str", "steps": int})
    # the shortest decimal of a float32: 0.05, not 0.05000000074505806
    candidates["lr"] = [float(str(lr)) for lr in candidates["lr"].to_numpy(np.float32)]
    _check_cells(np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape), candidates)
    values = accuracy["accuracy"].to_numpy(np.float64)
    if not np.isfinite(values).all():
        raise SelectionError("an accuracy is NaN or infinite; measure this study again")
    matrix = np.empty(shape)
    matrix.reshape(-1)[cells] = values
    return candidates, matrix


@dataclass(frozen=True)
class Paired:
    """Mean paired differences with what is needed to test them: mean and error (candidates,), n episodes."""

    mean: Floats
    error: Floats  # standard error of the mean; exactly 0 where every difference is the same
    episodes: int

    @classmethod
    def of(cls, differences: Floats) -> Paired:
        """differences: (candidates, episodes)."""
        n = differences.shape[1]
        constant = differences.max(axis=1) == differences.min(axis=1)
        # the mean of equal floats may differ from them in the last bit
        mean = np.where(constant, differences[:, 0], differences.mean(axis=1))
        error = np.where(constant, 0.0, differences.std(axis=1, ddof=1) / np.sqrt(n))
        return cls(mean, error, n)

    def half_width(self, confidence: float) -> Floats:
        """Half of the two-sided t interval of the mean."""
        return self.error * float(stdtrit(self.episodes - 1, (1 + confidence) / 2))

    def p_at_most(self, bound: float) -> Floats:
        """One-sided p values for the claim "the mean is at most `bound`"; 0 or 1 where nothing varies."""
        return self._p(bound, 1.0)

    def p_above(self, bound: float) -> Floats:
        """One-sided p values for the claim "the mean is above `bound`"; 0 or 1 where nothing varies."""
        return self._p(bound, -1.0)

    def _p(self, bound: float, sign: float) -> Floats:
        varies = self.error > 0
        t = (self.mean - bound) / np.where(varies, self.error, 1.0)
        certain = (self.mean > bound) == (sign > 0)
        p: Floats = np.where(varies, stdtr(self.episodes - 1, sign * t), certain)
        return p


def holm(p: Floats) -> Floats:
    """p values adjusted by Holm (1979): the chance of even one false claim among all stays below the level."""
    order = np.argsort(p)
    steps = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * steps))
    return adjusted


def interval_of_mean(matrix: Floats, confidence: float = 0.95) -> Floats:
    """Half-widths of the two-sided t intervals of the row means of `matrix` (candidates, episodes)."""
    return Paired.of(matrix).half_width(confidence)


def own_step_size(candidates: pd.DataFrame, lr: float | None = None) -> float:
    """The study's own inner step size: `lr` if given, else the only one, else that of the "no adaptation" row."""
    if lr is not None:
        return lr
    found = candidates["lr"].unique()
    if len(found) > 1:
        found = candidates.loc[candidates["steps"] == 0, "lr"].unique()
    if len(found) != 1:
        raise SelectionError("the accuracy table has several step sizes; say which is the study's own (lr)")
    return float(found[0])


def find(candidates: pd.DataFrame, pattern: str, steps: int, lr: float) -> int:
    """The row of a candidate; SelectionError if it was not measured. Step sizes are compared as float32."""
    fits = (candidates["pattern"] == pattern) & (candidates["steps"] == steps) & np.isclose(candidates["lr"], lr)
    rows = np.flatnonzero(fits)
    if not len(rows):
        raise SelectionError(f"the accuracy table has no pattern {pattern} at {steps} steps with step size {lr:.4g}")
    return int(rows[0])


def check_confidence(confidence: float) -> None:
    """SelectionError unless 0.5 < confidence < 1."""
    if not (_is_number(confidence) and 0.5 < confidence < 1):
        raise SelectionError(f"the confidence must lie between 0.5 and 1, both excluded, not {confidence!r}")


def check_threshold(threshold: float) -> None:
    """SelectionError unless 0 ≤ threshold ≤ 100 (points)."""
    if not (_is_number(threshold) and 0 <= threshold <= 100):
        raise SelectionError(f"the threshold must lie between 0 and 100 points, not {threshold!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _candidate_codes(accuracy: pd.DataFrame) -> NDArray[Any]:
    pattern, steps, lr = (pd.factorize(accuracy[key])[0].astype(np.int64) for key in KEYS)
    if min(pattern.min(), steps.min(), lr.min()) < 0:
        raise SelectionError("a pattern, step count or step size is missing in the accuracy table")
    codes: NDArray[np.int64] = (pattern * (steps.max() + 1) + steps) * (lr.max() + 1) + lr
    return codes


def _numbered(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each value's number by order of first appearance, and the row where each number first appears."""
    numbers, uniques = pd.factorize(values)
    first = np.full(len(uniques), len(values), dtype=np.int64)
    np.minimum.at(first, numbers, np.arange(len(values)))
    return numbers.astype(np.int64), first


def _check_one_split(accuracy: pd.DataFrame) -> None:
    if accuracy.empty:
        raise SelectionError("the accuracy table has no rows for this split; lambda-core sweep makes them")
    if "split" in accuracy and accuracy["split"].nunique() > 1:
        found = ", ".join(sorted(map(str, accuracy["split"].unique())))
        raise SelectionError(f"the accuracy table mixes the splits {found}; give one, such as split == 'val'")


def _check_cells(counts: NDArray[np.int64], candidates: pd.DataFrame) -> None:
    if (counts != 1).any():
        row = int((counts != 1).any(axis=1).argmax())
        pattern, steps, lr = candidates.iloc[row]
        what = "has an episode twice" if (counts[row] > 1).any() else "lacks an episode that others have"
        raise SelectionError(f"pattern {pattern} at {steps} steps, lr {lr:g}, {what}; all need the same episodes")
    if counts.shape[1] < 2:
        raise SelectionError("one episode shows no spread; at least 2 are needed, 600 are usual")
