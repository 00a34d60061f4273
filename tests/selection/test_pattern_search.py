"""The search finds what is hidden, on few runs, the same every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.selection.candidates import Candidate
from lambda_core.selection.pattern_search import all_rows, as_candidate, best, cost_of, search
from tests.support.planted import CONFIG, COSTS, HIDDEN, Planted


@pytest.fixture(scope="module")
def result():
    return search(Planted(), 3, 0.1, COSTS, CONFIG)


def test_every_row_is_tried_and_deep_backbones_get_unbroken_runs():
    assert len(all_rows(5)) == 31
    assert len(all_rows(10)) == 55
    assert (False, True, True) in all_rows(3)


def test_the_hidden_pattern_is_result(result):
    wanted = tuple(LambdaPattern.parse(HIDDEN, 5).rows_for(3))
    assert wanted in result.front()


def test_the_front_contains_or_dominates_every_per_layer_pattern(result):
    front = result.table(result.front())
    for row in all_rows(5):
        for steps in (1, 2, 3):
            rows = (row,) * steps
            cost, accuracy = cost_of(rows, COSTS), result.accuracy[rows]
            assert ((front["multiply_adds"] <= cost) & (front["accuracy"] >= accuracy)).any()


def test_few_of_all_patterns_are_run(result):
    assert result.adaptations < 0.1 * 31**3 * CONFIG.episodes


def test_a_search_is_the_same_every_time(result):
    again = search(Planted(), 3, 0.1, COSTS, CONFIG)
    assert again.accuracy == result.accuracy
    assert again.adaptations == result.adaptations


def test_a_dearer_row_or_one_more_step_never_costs_less():
    random = np.random.default_rng(0)
    rows = all_rows(5)
    for _ in range(200):
        before = tuple(rows[i] for i in random.integers(0, 31, 2))
        row = rows[random.integers(31)]
        lower = (True, *row[1:])
        assert cost_of(before, COSTS) < cost_of((*before, row), COSTS) <= cost_of((*before, lower), COSTS)


def test_best_keeps_whole_pareto_layers_first():
    table = pd.DataFrame({"rows": list("abcd"), "multiply_adds": [1, 2, 3, 4], "accuracy": [0.1, 0.3, 0.2, 0.29]})
    assert set(best(table, 2)) == {"a", "b"}
    assert set(best(table, 3)) == {"a", "b", "d"}
    assert set(best(table, 10)) == set("abcd")


def test_a_candidate_is_the_canonical_text_and_the_steps():
    rows = tuple(LambdaPattern.parse("11111/00001", 5).rows_for(4))
    assert as_candidate(rows, 0.1) == Candidate("11111/00001", 4, 0.1)
