"""Speed-ups from paired rounds: in each, every candidate ran once, so what slows a round slows its ratios alike.

A candidate's speed-up is the median over rounds of the reference's time over its own. Its interval is made of order
statistics of those ratios: the sign test's, exact for a median whatever the times' distribution, where rounds are
independent (Conover 1999, "Practical nonparametric statistics", section 3.2). It is for one candidate, on one machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr

from lambda_core.errors import SelectionError
from lambda_core.selection.speed.costs import Axis, by_round, ratio

Floats = NDArray[np.float64]
SLOWER = 0.03  # a candidate this much slower than the fastest ties with it, and wins if it is shown to lose less
NEAR = 0.05  # what `chance_near_fastest` calls near
DRAWS = 400
CLOCK = 1e-6  # milliseconds: what a clock that shows 0 may have missed


@dataclass(frozen=True, eq=False)
class SpeedUps:
    """How many times cheaper than the reference: (candidates,) estimates, and the ends of their intervals.

    logs: (candidates, rounds), logarithms of each round's ratio; NaN where a candidate or the reference did not run.
    None where costs are counted: those do not vary.
    """

    estimate: Floats
    low: Floats
    high: Floats
    logs: Floats | None = None

    def columns(self) -> dict[str, Floats]:
        return {"speed_up": self.estimate, "speed_up_low": self.low, "speed_up_high": self.high}

    @property
    def cost(self) -> Floats:
        """(candidates,) in units of the reference's; 0 where nothing is spent."""
        return 1 / self.estimate


def counted_speed_ups(counts: NDArray[np.int64], reference: int) -> SpeedUps:
    """By multiply-adds, (candidates,)."""
    times = ratio(float(counts[reference]), counts)
    return SpeedUps(times, times, times)


def timed_speed_ups(
    candidates: pd.DataFrame, timing: pd.DataFrame, reference: int, confidence: float = 0.95
) -> SpeedUps:
    """By time, paired by round (`repeat`). candidates: pattern, steps; no adaptation (0 steps) takes none.

    timing: of one condition. Fewer than six rounds are too few for an interval of 95 %: it is then 0 … ∞.
    Raises SelectionError for a candidate that shares no round with the reference.
    """
    milliseconds = np.maximum(by_round(candidates, timing, "milliseconds"), CLOCK)
    logs = np.log(milliseconds[reference]) - np.log(milliseconds)
    logs[(candidates["steps"] == 0).to_numpy()] = np.inf
    logs[reference] = 0.0
    rounds = np.count_nonzero(~np.isnan(logs), axis=1)
    if not rounds.all():
        pattern, steps = candidates[["pattern", "steps"]].iloc[int(rounds.argmin())]
        raise SelectionError(f"pattern {pattern} at {steps} steps shares no timing round with the full pattern")
    low, high = _order_statistics(logs, rounds, confidence)
    low[reference] = high[reference] = 0.0
    return SpeedUps(np.exp(np.nanmedian(logs, axis=1)), np.exp(low), np.exp(high), logs)


def speed_ups_by(
    axis: Axis, candidates: pd.DataFrame, timing: pd.DataFrame, costs: dict[str, NDArray[Any]], reference: int
) -> SpeedUps:
    """Of candidates (pattern, steps) over the one in row `reference`. costs: `candidate_costs` of the two tables."""
    if axis == "multiply_adds":
        return counted_speed_ups(costs["multiply_adds"], reference)
    return timed_speed_ups(candidates, timing, reference)


def chance_near_fastest(logs: Floats, chosen: int, admissible: NDArray[np.bool_], near: float = NEAR) -> float:
    """The chance that the chosen candidate is at most `near` slower than the fastest admissible one.

    logs: of `SpeedUps`. The share of resamplings of the rounds (bootstrap, seed 0) in which it is so.
    """
    typical = np.nanmedian(logs, axis=1)
    rivals = np.flatnonzero(admissible & (typical > typical[chosen] - 0.3))  # others are a third slower: no rivals
    if np.isinf(typical[chosen]) or not len(rivals):
        return 1.0
    rounds = np.random.default_rng(0).integers(0, logs.shape[1], (DRAWS, logs.shape[1]))
    kept = logs[np.append(rivals, chosen)][:, rounds]
    drawn = np.nanmedian(kept, axis=2) if np.isnan(kept).any() else np.median(kept, axis=2)
    return float((drawn[-1] >= drawn.max(axis=0) - np.log1p(near)).mean())


def zone_of(axis: Axis) -> float:
    """By how much more than the cheapest a tie may cost. What is counted is known exactly: only equals tie."""
    return SLOWER if axis == "milliseconds" else 0.0


def _order_statistics(logs: Floats, rounds: NDArray[np.int64], confidence: float) -> tuple[Floats, Floats]:
    """(candidates,) each: the smallest and largest ratio that the sign test at `confidence` does not refute."""
    ordered = np.sort(logs, axis=1)  # NaN last
    ranks = {count: sign_test_rank(int(count), confidence) for count in np.unique(rounds)}
    place = np.array([ranks[count] for count in rounds])
    rows, shown = np.arange(len(logs)), place > 0
    low = np.where(shown, ordered[rows, np.maximum(place, 1) - 1], -np.inf)
    high = np.where(shown, ordered[rows, rounds - np.maximum(place, 1)], np.inf)
    return low, high


def sign_test_rank(rounds: int, confidence: float) -> int:
    """The largest k such that the k-th smallest and the k-th largest of so many values hold the median; 0: none."""
    below = bdtr(np.arange(rounds // 2 + 1, dtype=float), rounds, 0.5)
    return int(np.count_nonzero(below <= (1 - confidence) / 2))
