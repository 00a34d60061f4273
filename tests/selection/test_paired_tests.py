"""Paired differences: bounds that verdicts rest on, plain intervals held against scipy, and corrections."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lambda_core.errors import SelectionError
from lambda_core.selection import paired_tests
from lambda_core.selection.candidates import episode_matrix
from lambda_core.selection.comparison import select_pattern
from lambda_core.selection.improvements import better_than_full
from lambda_core.selection.paired_tests import (
    FEW,
    FEWEST,
    MANY,
    Interval,
    PairedDifference,
    bonferroni,
    half_width_of_mean,
    mean_accuracy,
)
from lambda_core.selection.sequential import betting_bound
from lambda_core.studies import Study

rng = np.random.default_rng(0)


def test_plain_intervals_are_those_of_a_paired_t_test(val: pd.DataFrame) -> None:
    candidates, matrix = episode_matrix(val)
    row = candidates.index[(candidates["pattern"] == "11111") & (candidates["steps"] == 5)].item()
    paired = PairedDifference.of(100 * (matrix[row] - matrix))
    for other in range(0, len(matrix), 17):
        low, high = stats.ttest_rel(100 * matrix[row], 100 * matrix[other]).confidence_interval(0.9)
        half = paired.half_width(0.9)[other]
        assert other == row or (paired.mean[other] - half, paired.mean[other] + half) == pytest.approx((low, high))
    assert paired.skewness == pytest.approx(np.nan_to_num(stats.skew(100 * (matrix[row] - matrix), axis=1)), abs=1e-9)


def test_interval_of_a_mean_is_the_t_interval() -> None:
    values = rng.normal(0.5, 0.1, (3, 40))
    expected = [stats.t.interval(0.95, 39, row.mean(), stats.sem(row)) for row in values]
    assert half_width_of_mean(values) == pytest.approx([(high - low) / 2 for low, high in expected])


@pytest.mark.parametrize("episodes", [12, 60, 400])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_a_p_value_says_what_the_bound_says(episodes: int, alpha: float) -> None:
    differences = np.round(rng.normal(0.3, 3, (40, episodes)) + rng.exponential(2, (40, 1)))
    differences[rng.uniform(size=differences.shape) < 0.5] = 0
    paired = PairedDifference.of(differences)
    for threshold in (0.0, 0.5, 1.0, 2.0, 5.0):
        assert ((paired.p_at_most(threshold) <= alpha) == (paired.upper(alpha) <= threshold)).all()
        assert ((paired.p_above(threshold) <= alpha) == (paired.lower(alpha) >= threshold)).all()


def test_bounds_lie_around_the_mean_and_outside_the_plain_interval() -> None:
    paired = PairedDifference.of(rng.normal(1, 3, (20, 200)))
    assert (paired.upper(0.025) > paired.mean + paired.half_width(0.95)).all()
    assert (paired.lower(0.025) < paired.mean - paired.half_width(0.95)).all()


@pytest.mark.parametrize(("claims", "price"), [(1, (1.75, 1.95)), (8, (1.4, 1.5)), (310, (1.25, 1.3))])
def test_the_price_of_looking_whenever_one_likes(claims: int, price: tuple[float, float]) -> None:
    """In width, beside a t interval with the same correction for a number of episodes fixed beforehand."""
    assert MANY + FEW == 1
    ratios = []
    for episodes in (100, 150, 300, 600, 1000):
        ends = np.tile([-1.0, 1.0], episodes // 2)[None]  # no skewness
        paired, alpha = PairedDifference.of(ends), 0.05 / claims
        ratios.append(paired.upper(alpha).item() / -(paired.error.item() * stats.t.ppf(alpha, episodes - 1)))
    assert price[0] < min(ratios)
    assert max(ratios) < price[1]


@pytest.mark.parametrize("differing", [0, 3, FEWEST - 1])
def test_where_few_episodes_differ_only_what_needs_no_large_numbers_counts(differing: int) -> None:
    differences = np.zeros((1, 500))
    differences[0, 100 : 100 + differing] = 1.0
    paired = PairedDifference.of(differences)
    assert paired.differing.item() == differing
    assert paired.upper(0.05) == pytest.approx(betting_bound(np.ones((1, differing)), 500, FEW * 0.05))
    assert paired.upper(0.05) > 0.5
    assert 0 < paired.p_at_most(0.5).item() <= 1


def test_no_difference_at_all_is_no_certainty() -> None:
    paired = PairedDifference.of(np.zeros((1, 20)))
    assert (paired.mean.item(), paired.error.item(), paired.half_width(0.95).item()) == (0, 0, 0)
    assert paired.p_at_most(1.0).item() > 0.05
    assert paired.p_above(0.0).item() == 1
    assert paired.p_at_most(100.0).item() > 0


def test_a_loss_that_never_varies_is_its_own_bound() -> None:
    paired = PairedDifference.of(np.full((1, 100), 1 / 3))
    assert (paired.upper(0.05).item(), paired.lower(0.05).item()) == (1 / 3, 1 / 3)
    assert paired.p_at_most(1 / 3).item() > 0


def test_blocks_of_candidates_give_what_all_at_once_give(monkeypatch: pytest.MonkeyPatch) -> None:
    accuracy = np.random.default_rng(3).integers(0, 5, (20, 40)) / 4
    accuracy[::3, 7:] = accuracy[0, 7:]  # few episodes differ, in some blocks only
    found = []
    for size in (1 << 18, 3 * 40, 1):
        monkeypatch.setattr(paired_tests, "BLOCK", size)
        found.append((PairedDifference.in_points(accuracy[0], accuracy), half_width_of_mean(accuracy)))
    whole, half = found[0]
    assert 0 < whole.rare.shape[1] <= 33
    for paired, own_half in found[1:]:
        assert np.array_equal(half, own_half)
        assert all(np.array_equal(value, getattr(paired, name)) for name, value in vars(whole).items())


def test_bonferroni() -> None:
    assert bonferroni(np.array([0.01, 0.04, 0.3])) == pytest.approx([0.03, 0.12, 0.9])
    assert bonferroni(np.array([0.9, 0.8])).tolist() == [1, 1]


@pytest.mark.parametrize("threshold", [-0.1, 100.1, math.nan, math.inf, "1", None, True])
def test_bad_thresholds(study: Study, val: pd.DataFrame, threshold: Any) -> None:
    with pytest.raises(SelectionError, match="the threshold must lie between 0 and 100 points, not"):
        select_pattern(val, study.timing, 5, threshold)


@pytest.mark.parametrize("confidence", [0.5, 1.0, 0.0, 95, math.nan, "0.95", None])
def test_bad_confidences(study: Study, val: pd.DataFrame, confidence: Any) -> None:
    with pytest.raises(SelectionError, match="the confidence must lie between"):
        select_pattern(val, study.timing, 5, 1.0, confidence)
    with pytest.raises(SelectionError, match="the confidence must lie between"):
        better_than_full(val, confidence)


def test_an_interval_is_three_numbers_under_a_name() -> None:
    interval = Interval.around(0.5, 0.25)
    assert (*interval,) == (0.5, 0.25, 0.75)
    assert interval.half_width == 0.25
    assert interval.as_dict("gain") == {"gain": 0.5, "gain_low": 0.25, "gain_high": 0.75}


def test_one_candidate_has_the_bounds_of_the_table() -> None:
    accuracy, reference = rng.uniform(0, 1, (2, 60))
    paired = PairedDifference.in_points(reference, accuracy)
    columns = paired.columns("degradation", 0.9, claims=7)
    assert (*paired.interval(0.9, claims=7),) == tuple(column.item() for column in columns.values())
    assert list(columns) == ["degradation", "degradation_low", "degradation_high"]
    assert paired.interval(0.9, claims=7).high == paired.upper(0.1 / 7).item()
    assert mean_accuracy(accuracy).half_width == pytest.approx(half_width_of_mean(accuracy[None])[0])
