"""Speed-ups from paired rounds: what slows a round slows all of it, and intervals hold as often as stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.calibration.rates import most_allowed, power
from lambda_core.errors import SelectionError
from lambda_core.selection.speed import chance_near_fastest, counted_speed_ups, timed_speed_ups
from lambda_core.selection.speed.paired_rounds import sign_test_rank

CANDIDATES = pd.DataFrame({"pattern": ["00", "01", "11"], "steps": [0, 1, 1]})


def rounds_of(**times: list[float]) -> pd.DataFrame:
    rows = [(name[1:], 1, number, ms) for name, each in times.items() for number, ms in enumerate(each)]
    return pd.DataFrame(rows, columns=["pattern", "steps", "repeat", "milliseconds"])


def test_a_slow_round_changes_no_ratio() -> None:
    slow = np.array([1.0, 1.0, 9.0, 1.0, 2.0, 1.0, 1.0])
    times = timed_speed_ups(CANDIDATES, rounds_of(p01=list(2 * slow), p11=list(10 * slow)), 2)
    assert times.estimate.tolist() == pytest.approx([np.inf, 5, 1])
    assert (times.low[1], times.high[1]) == pytest.approx((5, 5))
    assert (times.low[2], times.high[2]) == (1, 1)
    assert times.cost.tolist() == pytest.approx([0, 0.2, 1])


def test_an_interval_is_that_of_the_sign_test() -> None:
    ratios = np.exp(np.random.default_rng(0).normal(1, 0.2, 15))
    times = timed_speed_ups(CANDIDATES, rounds_of(p01=[1.0] * 15, p11=list(ratios)), 2)
    ordered = np.sort(ratios)
    assert (times.low[1], times.estimate[1], times.high[1]) == pytest.approx((ordered[3], ordered[7], ordered[11]))
    for count in (6, 15, 40):
        tail = stats.binom.cdf(sign_test_rank(count, 0.95) - 1, count, 0.5)
        assert tail <= 0.025 < stats.binom.cdf(sign_test_rank(count, 0.95), count, 0.5)


def test_five_rounds_show_no_interval() -> None:
    times = timed_speed_ups(CANDIDATES, rounds_of(p01=[1.0] * 5, p11=[2.0] * 5), 2)
    assert (times.low[1], times.estimate[1], times.high[1]) == pytest.approx((0, 2, np.inf))


def test_intervals_hold_the_truth_as_often_as_stated() -> None:
    """The machine slows all of a round alike; beside that each candidate's times have heavy tails."""
    rng, draws = np.random.default_rng(1), 1300
    slow = rng.exponential(1, 15) + 1
    each = slow * np.exp(0.1 * rng.standard_t(2, (draws, 15)))
    times = {f"p{number}": list(row) for number, row in enumerate(each)}
    candidates = pd.DataFrame({"pattern": [*map(str, range(draws)), "full"], "steps": 1})
    found = timed_speed_ups(candidates, rounds_of(**times, pfull=list(np.e * slow)), draws)
    held = (found.low[:-1] <= np.e) & (np.e <= found.high[:-1])
    assert power(0.05, 0.08, draws) >= 0.9  # that 8 % would be seen
    assert draws - held.sum() <= most_allowed(0.05, draws)
    assert held.mean() < 0.99  # nor are they wider than stated


def test_only_common_rounds_are_paired() -> None:
    timing = rounds_of(p01=[1.0] * 8, p11=[3.0] * 8)
    partly = timing[~((timing["pattern"] == "11") & (timing["repeat"] < 2))]
    assert timed_speed_ups(CANDIDATES, partly, 2).estimate[1] == pytest.approx(3)
    apart = timing[(timing["pattern"] == "11") ^ (timing["repeat"] < 4)]
    with pytest.raises(SelectionError, match="pattern 01 at 1 steps shares no timing round with the full pattern"):
        timed_speed_ups(CANDIDATES, apart, 2)


def test_what_is_counted_does_not_vary() -> None:
    counted = counted_speed_ups(np.array([0, 20, 100]), 2)
    assert counted.estimate.tolist() == counted.low.tolist() == counted.high.tolist() == [np.inf, 5, 1]


def test_the_chance_to_be_near_the_fastest() -> None:
    rng = np.random.default_rng(0)
    logs = rng.normal(0, 0.1, (3, 15)) + np.array([[1.0], [1.0], [0.5]])
    everything = np.array([True, True, True])
    assert chance_near_fastest(logs - logs.mean(1, keepdims=True) + np.array([[2.0], [1.0], [0.5]]), 0, everything) == 1
    assert 0.05 < chance_near_fastest(logs, int(np.median(logs[:2], axis=1).argmin()), everything) < 0.95
    assert chance_near_fastest(logs, 2, np.array([True, False, True])) < 0.05
    assert chance_near_fastest(logs, 2, np.array([False, False, True])) == 1
