"""Paired statistics: the same episodes under every candidate, compared one by one with the reference.

The t distribution comes from scipy.special: scipy.stats, which the tests hold this against, takes a second to import.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from lambda_core.errors import SelectionError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate and its two-sided interval, in one unit: points for a difference, 0 to 1 for an accuracy.

    Unpacks into its three numbers: `with_interval(*degradation)`.
    """

    estimate: float
    low: float
    high: float

    @classmethod
    def around(cls, estimate: float, half_width: float) -> Self:
        return cls(estimate, estimate - half_width, estimate + half_width)

    @property
    def half_width(self) -> float:
        return self.high - self.estimate

    def __iter__(self) -> Iterator[float]:
        return iter((self.estimate, self.low, self.high))

    def as_dict(self, name: str) -> dict[str, float]:
        """{name, name_low, name_high}, as tables and JSON spell it."""
        return {name: self.estimate, f"{name}_low": self.low, f"{name}_high": self.high}


@dataclass(frozen=True)
class PairedDifference:
    """Mean paired differences with what is needed to test them: mean and error (candidates,), n episodes."""

    mean: Floats
    error: Floats  # standard error of the mean; exactly 0 where every difference is the same
    episodes: int

    @classmethod
    def of(cls, differences: Floats) -> Self:
        """differences: (candidates, episodes), at least two episodes; any unit."""
        n = differences.shape[1]
        constant = differences.max(axis=1) == differences.min(axis=1)
        # the mean of equal floats may differ from them in the last bit
        mean = np.where(constant, differences[:, 0], differences.mean(axis=1))
        error = np.where(constant, 0.0, differences.std(axis=1, ddof=1) / np.sqrt(n))
        return cls(mean, error, n)

    @classmethod
    def in_points(cls, accuracy: Floats, subtrahend: Floats) -> Self:
        """accuracy − subtrahend in percentage points; both 0 to 1, (candidates, episodes) or one row of episodes."""
        return cls.of(np.atleast_2d(100 * (accuracy - subtrahend)))

    def half_width(self, confidence: float) -> Floats:
        """Half of the two-sided t interval of the mean."""
        return self.error * float(stdtrit(self.episodes - 1, (1 + confidence) / 2))

    def interval(self, confidence: float) -> Interval:
        """The mean of the only candidate, with its t interval."""
        return Interval.around(self.mean.item(), self.half_width(confidence).item())

    def columns(self, name: str, confidence: float) -> dict[str, Floats]:
        """Columns of a table: name (the mean), name_low and name_high (its t interval)."""
        half = self.half_width(confidence)
        return {name: self.mean, f"{name}_low": self.mean - half, f"{name}_high": self.mean + half}

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
    """p values (n,) adjusted for being n: the chance of even one false claim among all stays below the level.

    The smallest counts n-fold, the next n − 1-fold, …, and none less than one before it (Holm 1979, "A simple
    sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6:65).
    """
    order = np.argsort(p)
    steps = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * steps))
    return adjusted


def half_width_of_mean(matrix: Floats, confidence: float = 0.95) -> Floats:
    """Half-widths (candidates,) of the two-sided t intervals of the row means of `matrix` (candidates, episodes)."""
    return PairedDifference.of(matrix).half_width(confidence)


def mean_accuracy(accuracy: Floats, confidence: float = 0.95) -> Interval:
    """Mean of one candidate's accuracies (episodes,), 0 to 1, with its t interval."""
    return Interval.around(float(accuracy.mean()), half_width_of_mean(accuracy[None], confidence).item())


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
