"""Paired tests, intervals and corrections, held against scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lambda_core.errors import SelectionError
from lambda_core.selection.candidates import episode_matrix
from lambda_core.selection.comparison import select_pattern
from lambda_core.selection.improvements import better_than_full
from lambda_core.selection.paired_tests import Interval, PairedDifference, half_width_of_mean, holm, mean_accuracy
from lambda_core.studies import Study

rng = np.random.default_rng(0)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0, 2.0])
def test_p_values_are_those_of_a_paired_t_test(val: pd.DataFrame, threshold: float) -> None:
    candidates, matrix = episode_matrix(val)
    row = candidates.index[(candidates["pattern"] == "11111") & (candidates["steps"] == 5)].item()
    paired = PairedDifference.of(100 * (matrix[row] - matrix))
    for other in range(0, len(matrix), 17):
        if other == row:
            continue
        better = stats.ttest_rel(100 * matrix[other] + threshold, 100 * matrix[row], alternative="greater")
        assert paired.p_at_most(threshold)[other] == pytest.approx(better.pvalue, rel=1e-9, abs=1e-300)
        worse = stats.ttest_rel(100 * matrix[other] + threshold, 100 * matrix[row], alternative="less")
        assert paired.p_above(threshold)[other] == pytest.approx(worse.pvalue, rel=1e-9, abs=1e-300)
        low, high = stats.ttest_rel(100 * matrix[row], 100 * matrix[other]).confidence_interval(0.9)
        half = paired.half_width(0.9)[other]
        assert (paired.mean[other] - half, paired.mean[other] + half) == pytest.approx((low, high))


def test_interval_of_a_mean_is_the_t_interval() -> None:
    values = rng.normal(0.5, 0.1, (3, 40))
    expected = [stats.t.interval(0.95, 39, row.mean(), stats.sem(row)) for row in values]
    assert half_width_of_mean(values) == pytest.approx([(high - low) / 2 for low, high in expected])


@pytest.mark.parametrize("value", [0.0, 1 / 3, 7.3])
def test_differences_that_never_vary_are_decided_exactly(value: float) -> None:
    paired = PairedDifference.of(np.full((1, 17), value))
    assert (paired.mean.item(), paired.error.item(), paired.half_width(0.95).item()) == (value, 0, 0)
    assert (paired.p_at_most(value).item(), paired.p_above(value).item()) == (0, 1)
    assert (paired.p_at_most(value - 0.1).item(), paired.p_above(value - 0.1).item()) == (1, 0)


def test_holm_on_the_textbook_example() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]


def test_holm_stays_between_the_plain_and_the_bonferroni_values() -> None:
    p = rng.uniform(0, 0.1, 50)
    assert (holm(p) >= p).all()
    assert (holm(p) <= np.minimum(1, 50 * p) + 1e-15).all()
    assert (np.diff(holm(p)[np.argsort(p)]) >= 0).all()


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


def test_one_candidate_has_the_interval_of_the_table() -> None:
    accuracy, reference = rng.uniform(0, 1, (2, 30))
    paired = PairedDifference.in_points(reference, accuracy)
    columns = paired.columns("degradation", 0.9)
    assert (*paired.interval(0.9),) == tuple(column.item() for column in columns.values())
    assert list(columns) == ["degradation", "degradation_low", "degradation_high"]
    low, high = stats.ttest_rel(100 * reference, 100 * accuracy).confidence_interval(0.9)
    assert (*paired.interval(0.9),)[1:] == pytest.approx((low, high))
    assert mean_accuracy(accuracy).half_width == pytest.approx(half_width_of_mean(accuracy[None])[0])
