"""Which candidates pass, and which of those is chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lambda_core.selection.comparison import candidate_table, compare_candidates, select_pattern
from lambda_core.selection.paired_tests import PairedDifference
from lambda_core.selection.speed import SLOWER
from lambda_core.selection.verdicts import fastest, judge, simultaneous_bounds
from lambda_core.studies import Study
from tests.support.small_tables import accuracies, times_of

LEVELS = [0.5, 0.6, 0.7, 0.6] * 20  # of 80 episodes
BETTER = [level + 0.1 for level in LEVELS]


def test_a_verdict_is_what_its_bounds_say(study: Study, val: pd.DataFrame) -> None:
    table = candidate_table(val, study.timing, 5, 1.0)
    assert set(table["verdict"]) == {"pass", "undecided", "fail"}
    assert ((table["verdict"] == "pass") == (table["degradation_high"] <= 1)).all()
    assert ((table["verdict"] == "fail") == (table["degradation_low"] > 1)).all()
    others = table[~table["reference"]]
    assert ((others["p_adjusted"] <= 0.05) == (others["verdict"] == "pass")).all()
    assert (others["p_adjusted"] > 0).all()


def test_bounds_are_those_of_a_share_of_the_error_rate(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5)
    low, high = simultaneous_bounds(comparison.degradation, 0.9, comparison.reference)
    others = np.arange(len(high)) != comparison.reference
    assert high[others] == pytest.approx(comparison.degradation.upper(0.1 / (len(high) - 1))[others])
    assert (low[others] < comparison.degradation.mean[others]).all()
    assert (low[comparison.reference], high[comparison.reference]) == (0, 0)


def test_few_episodes_prove_nothing() -> None:
    """With five episodes 45 % of such tables held a false pass, by a t test."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        seen = np.vstack([np.round(rng.normal(2.0, 3.0, (310, 5))), np.zeros((1, 5))])
        assert (judge(PairedDifference.of(seen), 2.0, 0.95, 310)[0][:-1] == "undecided").all()


@pytest.mark.parametrize(
    ("slower", "winner"),
    [(1.02, "10"), (1.0, "10"), (1.05, "01")],
    ids=["within the zone", "equal", "outside the zone"],
)
def test_a_little_slower_and_shown_to_lose_less_is_chosen(slower: float, winner: str) -> None:
    table = accuracies(p11=LEVELS, p01=LEVELS, p10=BETTER)
    times = [1.0, 2.0, 3.0, 1.5, 1.1, 1.2]  # wide, as one round differs from another; but rounds are paired
    timing = times_of(p11=[20 * time for time in times], p01=times, p10=[slower * time for time in times])
    assert select_pattern(table, timing, 1, 10.0).pattern == winner


def test_the_reference_wins_no_tie() -> None:
    cost, bound, everything = np.array([10.0, 9.9]), np.array([0.0, 0.9]), np.array([True, True])
    assert fastest(everything, cost, bound, reference=0, zone=SLOWER) == 1
    assert fastest(everything, cost[::-1], bound[::-1], reference=0, zone=SLOWER) == 0


def test_one_noisy_timing_of_the_reference_hides_nothing() -> None:
    table = accuracies(p11=LEVELS, p01=LEVELS)
    timing = times_of(p01=[10, 10.1, 10.2, 10.1, 10.0, 10.1], p11=[100, 101, 102, 340, 360, 100])
    choice = select_pattern(table, timing, 1, 8.0)
    assert choice.pattern == "01"
    assert choice.speed_up == pytest.approx(10, rel=0.02)


@pytest.mark.parametrize("zone", [0.0, SLOWER, 0.3])
def test_a_larger_threshold_never_gives_a_slower_choice(zone: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        count = int(rng.integers(2, 30))
        cost, bound = rng.choice(np.exp(rng.normal(0, 0.2, 12)), count), rng.choice(rng.normal(1, 1, 12), count)
        reference = int(rng.integers(count))
        chosen = [fastest(bound <= t, cost, bound, reference, zone) for t in np.linspace(-2, 4, 60)]
        assert (np.diff(cost[chosen]) <= 0).all()


def test_on_a_study_too(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5)
    for confidence in (0.8, 0.95):
        rows = [comparison.row_at(threshold, confidence) for threshold in np.linspace(0, 100, 400)]
        assert (np.diff(comparison.speed_ups.cost[rows]) <= 0).all()
        assert len({*rows} - {comparison.reference}) <= comparison.finalists(confidence)
