"""The front against brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lambda_core.selection.pareto import memory_front, pareto_front


def beaten(points: np.ndarray, row: int) -> bool:
    time, accuracy = points[row]
    return any(t <= time and a >= accuracy and (t < time or a > accuracy) for t, a in points)


@pytest.mark.parametrize("seed", range(20))
def test_front_against_brute_force_with_ties_and_infinities(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.integers(0, 6, (25, 2)).astype(float)
    points[random.integers(0, 25, 2), 0] = np.inf
    points[random.integers(0, 25, 2), 1] = [np.inf, -np.inf]
    mask = pareto_front(pd.DataFrame(points, columns=["milliseconds", "accuracy"]))
    assert mask.tolist() == [not beaten(points, row) for row in range(25)]


def test_front_leaves_out_nan() -> None:
    table = pd.DataFrame({"milliseconds": [1.0, np.nan, 2.0], "accuracy": [0.5, 0.9, np.nan]})
    assert pareto_front(table).tolist() == [True, False, False]


def test_front_of_nothing() -> None:
    assert pareto_front(pd.DataFrame({"milliseconds": [], "accuracy": []})).tolist() == []


def test_front_over_another_cost() -> None:
    table = pd.DataFrame({"milliseconds": [1, 2], "multiply_adds": [2, 1], "accuracy": [0.5, 0.5]})
    assert pareto_front(table).tolist() == [True, False]
    assert pareto_front(table, cost="multiply_adds").tolist() == [False, True]


def test_a_front_of_three_keeps_what_is_smaller():
    table = pd.DataFrame(
        {"milliseconds": [1.0, 2.0, 2.0, 3.0], "accuracy": [0.5, 0.5, 0.6, 0.6], "peak_bytes": [9, 4, 9, 9]}
    )
    assert memory_front(table).tolist() == [True, True, True, False]
    assert pareto_front(table).tolist() == [True, False, True, False]
