"""Which candidates pass, and which of those is chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lambda_core.selection.comparison import candidate_table, select_pattern
from lambda_core.selection.verdicts import fastest
from lambda_core.studies import Study
from tests.support.small_tables import accuracies, times_of


def test_verdicts_do_not_contradict_their_interval(study: Study, val: pd.DataFrame) -> None:
    table = candidate_table(val, study.timing, 5, 1.0)
    assert (table.loc[table["verdict"] == "pass", "degradation_high"] < 1.5).all()
    assert (table.loc[table["verdict"] == "pass", "degradation"] <= 1).all()
    assert (table.loc[table["verdict"] == "fail", "degradation"] > 1).all()


@pytest.mark.parametrize(
    ("slower", "winner"),
    [([2.4, 2.5, 2.6], "10"), ([2.0, 3.0, 4.0], "10"), ([3.4, 3.5, 3.6], "01")],
    ids=["within the spread", "noisy", "apart"],
)
def test_times_within_their_spread_tie_and_go_to_the_more_accurate(slower: list[float], winner: str) -> None:
    table = accuracies(p11=[0.5, 0.6, 0.7, 0.6], p01=[0.5, 0.6, 0.7, 0.6], p10=[0.6, 0.7, 0.8, 0.7])
    timing = times_of(p11=[30, 31, 32], p01=[1.0, 2.0, 3.0], p10=slower)
    assert select_pattern(table, timing, 1, 1.0).pattern == winner


def test_a_tie_never_makes_it_slower_than_the_reference() -> None:
    cost, spread = np.array([10.0, 10.5]), np.array([4.0, 4.0])
    assert fastest(np.array([True, True]), cost, spread, accuracy=np.array([0.5, 0.6]), reference=0) == 0
