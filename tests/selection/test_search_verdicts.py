"""Fresh episodes judge the front that a search found."""

from __future__ import annotations

import pytest

from lambda_core.selection.pareto import pareto_front
from lambda_core.selection.pattern_search import search
from lambda_core.selection.search_verdicts import judge_search
from tests.support.planted import CONFIG, COSTS, HIDDEN, Planted


@pytest.fixture(scope="module")
def result():
    return search(Planted(), 3, 0.1, COSTS, CONFIG)


def test_fresh_episodes_judge_the_front(result):
    table = judge_search(result, Planted(noise=0.01), 3, 0.1, CONFIG).set_index(["pattern", "steps"])
    hidden = table.loc[(HIDDEN, 3)]
    assert hidden["dominates"]
    assert hidden["gain_low"] > 0
    assert hidden["degradation"] < 0
    assert hidden["verdict"] == "pass"
    assert hidden["speed_up"] > 1
    rival = table.loc[tuple(int(part) if part.isdigit() and len(part) < 5 else part
                            for part in hidden["rival"].split(" × "))]  # fmt: skip
    assert rival["multiply_adds"] > hidden["multiply_adds"]
    assert rival["per_layer"]
    assert not table[table["per_layer"]]["dominates"].any()
    per_layer = table[table["per_layer"]].rename(columns={"search_accuracy": "a", "accuracy": "b"})
    assert pareto_front(per_layer.rename(columns={"a": "accuracy"}), "multiply_adds").sum() >= len(per_layer) - 1


def test_no_gain_is_not_called_dominance(result):
    class Flat(Planted):
        def truth(self, candidate):  # noqa: ARG002 (the truth is flat)
            return 0.5

    assert not judge_search(result, Flat(noise=0.02), 3, 0.1, CONFIG)["dominates"].any()
