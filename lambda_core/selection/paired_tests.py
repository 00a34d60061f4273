"""Paired statistics: the same episodes under every candidate, compared one by one with the reference.

What verdicts rest on holds at every number of episodes at once (`sequential`): adding episodes and looking again keep
the rate. Plain t intervals describe what was seen at one number of episodes, and decide nothing.
The t distribution comes from scipy.special: scipy.stats, which the tests hold this against, takes a second to import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from lambda_core.errors import SelectionError
from lambda_core.selection.sequential import betting_bound, betting_p, distance, mixture_p, skewed, unskewed

Floats = NDArray[np.float64]
FEWEST = 30  # episodes that differ: below, only betting's bounds count, which need no large numbers
BLOCK = 1 << 18
MANY, FEW = 0.8, 0.2  # shares of the error rate of the two kinds of bounds, whichever is asked when: they add up to 1


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval, in one unit: points for a difference, 0 to 1 for an accuracy, times for a speed-up.

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
    """Mean paired differences with what is needed to bound them; arrays (candidates,), n episodes.

    error: standard error of the mean; exactly 0 where every difference is the same. skewness: of the differences.
    differing: in how many episodes there is a difference at all. rare: (candidates, few) those differences where fewer
    than FEWEST episodes differ, filled up with zeros.
    """

    mean: Floats
    error: Floats
    episodes: int
    skewness: Floats
    differing: NDArray[np.int64]
    rare: Floats

    @classmethod
    def of(cls, differences: Floats) -> Self:
        """differences: (candidates, episodes), at least two episodes; points, where bounds are asked for."""
        n = differences.shape[1]
        constant = differences.max(axis=1) == differences.min(axis=1)
        # the mean of equal floats may differ from them in the last bit
        mean = np.where(constant, differences[:, 0], differences.mean(axis=1))
        centred = differences - mean[:, None]
        squares = np.where(constant, 0.0, np.einsum("ce,ce->c", centred, centred))
        cubes = np.einsum("ce,ce,ce->c", centred, centred, centred)
        skewness = np.where(constant, 0.0, np.sqrt(n) * cubes / np.where(constant, 1.0, squares) ** 1.5)
        differing = np.count_nonzero(differences, axis=1)
        error = np.sqrt(squares / (n - 1) / n)
        return cls(mean, error, n, skewness, differing, _rare(differences, differing))

    @classmethod
    def in_points(cls, accuracy: Floats, subtrahend: Floats) -> Self:
        """accuracy − subtrahend in percentage points; both 0 to 1, (candidates, episodes) or one row of episodes.

        In blocks of candidates, since what lies between is several times as large as the tables.
        """
        left, right = np.broadcast_arrays(np.atleast_2d(accuracy), np.atleast_2d(subtrahend))
        return cls._joined([cls.of(100 * (left[rows] - right[rows])) for rows in _blocks(*left.shape)])

    @classmethod
    def _joined(cls, parts: Sequence[Self]) -> Self:
        columns = max(part.rare.shape[1] for part in parts)
        rare = [np.pad(part.rare, ((0, 0), (0, columns - part.rare.shape[1]))) for part in parts]
        mean, error, skewness, differing = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("mean", "error", "skewness", "differing")
        )
        return cls(mean, error, parts[0].episodes, skewness, differing, np.concatenate(rare))

    def half_width(self, confidence: float) -> Floats:
        """Half of the two-sided t interval of each mean: for this number of episodes, fixed beforehand."""
        return self.error * float(stdtrit(self.episodes - 1, (1 + confidence) / 2))

    def upper(self, alpha: float) -> Floats:
        """(candidates,) bounds, points: the true mean is above one, at any number of episodes, with chance `alpha`."""
        return self._upper(alpha, 1.0)

    def lower(self, alpha: float) -> Floats:
        """As `upper`, from below."""
        return -self._upper(alpha, -1.0)

    def interval(self, confidence: float, claims: int = 1) -> Interval:
        """Of the only candidate: each end holds with `confidence` by itself, for `claims` such intervals at once."""
        alpha = (1 - confidence) / claims
        return Interval(self.mean.item(), self.lower(alpha).item(), self.upper(alpha).item())

    def columns(self, name: str, confidence: float, claims: int = 1) -> dict[str, Floats]:
        """Columns of a table: name (the mean), name_low and name_high (the ends of its `interval`)."""
        alpha = (1 - confidence) / claims
        return {name: self.mean, f"{name}_low": self.lower(alpha), f"{name}_high": self.upper(alpha)}

    def p_at_most(self, bound: float) -> Floats:
        """One-sided p values for "the mean is at most `bound`", valid at any number of episodes; never 0."""
        return self._p(bound, 1.0)

    def p_above(self, bound: float) -> Floats:
        """One-sided p values for "the mean is above `bound`", valid at any number of episodes; never 0."""
        return self._p(bound, -1.0)

    def _upper(self, alpha: float, sign: float) -> Floats:
        """Upper bounds of sign · difference."""
        few = self.differing < FEWEST
        wide = skewed(distance(self.episodes, MANY * alpha), sign * self.skewness, self.episodes)
        bound = np.asarray(sign * self.mean + self.error * wide)
        bound[few] = betting_bound(sign * self.rare[few], self.episodes, FEW * alpha)
        return bound

    def _p(self, bound: float, sign: float) -> Floats:
        few = self.differing < FEWEST
        ahead = sign * (bound - self.mean)
        certain = np.where(ahead >= 0, np.inf, -np.inf)
        seen = np.where(self.error > 0, ahead / np.where(self.error > 0, self.error, 1.0), certain)
        p = mixture_p(self.episodes, unskewed(seen, sign * self.skewness, self.episodes)) / MANY
        p[few] = betting_p(sign * self.rare[few], self.episodes, sign * bound) / FEW
        return np.minimum(p, 1.0)


def bonferroni(p: Floats) -> Floats:
    """p values (n,) adjusted for being n: the chance of even one false claim among all stays below the level.

    Unlike steps of Holm's, it is right for every threshold at once.
    """
    return np.minimum(1.0, len(p) * p)


def half_width_of_mean(matrix: Floats, confidence: float = 0.95) -> Floats:
    """Half-widths (candidates,) of the two-sided t intervals of the row means of `matrix` (candidates, episodes)."""
    n = matrix.shape[1]
    deviations = np.concatenate([matrix[rows].std(axis=1, ddof=1) for rows in _blocks(*matrix.shape)])
    half: Floats = deviations / np.sqrt(n) * float(stdtrit(n - 1, (1 + confidence) / 2))
    return half


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


def _blocks(candidates: int, episodes: int) -> list[slice]:
    """Rows that are worked on at once: of about BLOCK numbers."""
    size = max(1, BLOCK // max(1, episodes))
    return [slice(first, first + size) for first in range(0, candidates, size)] or [slice(0, 0)]


def _rare(differences: Floats, differing: NDArray[np.int64]) -> Floats:
    """(candidates, few): the differences of candidates that differ in fewer than FEWEST episodes, largest first."""
    rows = np.flatnonzero(differing < FEWEST)
    columns = int(differing[rows].max(initial=0))
    rare = np.zeros((len(differences), columns))
    order = np.argsort(-np.abs(differences[rows]), axis=1)[:, :columns]
    rare[rows] = np.take_along_axis(differences[rows], order, axis=1)
    return rare


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
