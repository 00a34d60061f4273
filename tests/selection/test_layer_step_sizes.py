"""Step sizes a layer: what is hidden is found a layer at a time, and only what fresh episodes show is called a gain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from lambda_core.config import SearchConfig
from lambda_core.errors import ConfigError
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import Candidate, dominating, gaining, judge_search, search, tune, untuned
from lambda_core.selection.layer_step_sizes import describe_gaining, parse_step_sizes
from tests.support.planted import CONFIG, COSTS, Planted

LR = 0.1
TUNING = CONFIG.but(layer_lr="0.5,2,4")


class Sized(Planted):
    """As `Planted`; the head learns better at twice the step size, the layer below at half of it, the others at 1."""

    BEST = (1.0, 1.0, 1.0, 0.5, 2.0)

    def truth(self, candidate: Candidate) -> float:
        updated = LambdaPattern.parse(candidate.pattern, 5).matrix(candidate.steps).any(axis=0)
        factors = getattr(candidate, "factors", (1.0,) * 5)
        off = [abs(np.log2(factor / best)) for factor, best, on in zip(factors, self.BEST, updated, strict=True) if on]
        return super().truth(candidate) + 0.03 * (2 - sum(off))


@pytest.fixture(scope="module")
def result():
    return search(Sized(), 3, LR, COSTS, CONFIG)


def test_the_hidden_step_sizes_are_found_of_layers_that_are_updated(result) -> None:
    before = result.adaptations
    tuned = tune(result, Sized(), LR, TUNING)
    assert result.adaptations > before
    assert {each.rows for each in tuned} == {rows for rows in result.front() if any(rows[0]) and _has_late_layers(rows)}
    for each in tuned:
        updated = LambdaPattern(each.rows).matrix(len(each.rows)).any(axis=0)
        wanted = [best if on else 1.0 for best, on in zip(Sized.BEST, updated, strict=True)]
        assert list(each.factors) == wanted
        assert each.candidate(LR).step_size == tuple(LR * factor for factor in wanted)


def _has_late_layers(rows) -> bool:
    return any(row[3] or row[4] for row in rows)


def test_what_fresh_episodes_show_is_a_gain_over_the_same_pattern(result) -> None:
    tuned = tune(result, Sized(), LR, TUNING)
    table = judge_search(result, Sized(noise=0.01), 3, LR, TUNING, tuned)
    of_head = table[(table["pattern"] == "00001") & (table["steps"] == 3) & (table["step_sizes"] != "")].iloc[0]
    assert of_head["step_sizes"] == "0.1,0.1,0.1,0.1,0.2"
    assert (of_head["rival"], of_head["dominates"], of_head["on_front"]) == ("00001 × 3", True, False)
    assert of_head["gain_low"] <= 3.0 <= of_head["gain_high"] + 1
    assert ("00001", 3, "0.1,0.1,0.1,0.1,0.2") in gaining(table)
    assert "00001 × 3 with lr=(0.1, 0.1, 0.1, 0.1, 0.2)" in describe_gaining(table)
    assert len(table) == len(untuned(table)) + len(tuned)
    assert set(dominating(table)) <= set(zip(untuned(table)["pattern"], untuned(table)["steps"], strict=True))


def test_no_gain_is_called_none(result) -> None:
    class Flat(Planted):
        def truth(self, candidate: Candidate) -> float:  # noqa: ARG002 (the truth is flat)
            return 0.5

    table = judge_search(result, Flat(noise=0.02), 3, LR, TUNING, tune(result, Sized(), LR, TUNING))
    assert gaining(table) == []
    assert describe_gaining(table).endswith("none is shown to gain.")


def test_where_none_are_asked_for_the_table_is_as_before(result) -> None:
    table = judge_search(result, Sized(noise=0.01), 3, LR, CONFIG)
    assert (table["step_sizes"] == "").all()
    assert describe_gaining(table) == ""


@pytest.mark.parametrize("text", ["", "0.1", "0.1,0.1,x", "0.1,0.1,-1", "0.1,nan,0.1", "0.1,inf,0.1", "0,0.1,0.1"])
def test_what_is_no_step_size_a_layer_is_none(text: str) -> None:
    assert parse_step_sizes(text, 3) is None
    assert parse_step_sizes("0.1,0.2,3", 3) == (0.1, 0.2, 3.0)


def test_factors_are_settings_that_are_checked() -> None:
    assert SearchConfig(layer_lr="4, 0.5 1").layer_factors == (0.5, 4.0)
    assert SearchConfig().layer_factors == ()
    with pytest.raises(ConfigError, match="layer_lr must be"):
        SearchConfig(layer_lr="fast")


class Asked(Planted):
    def __call__(self, candidates: Sequence[Candidate], episodes: range) -> NDArray[np.float64]:
        assert all(type(each) is Candidate for each in candidates)
        return super().__call__(candidates, episodes)


def test_a_search_without_them_asks_for_plain_candidates() -> None:
    search(Asked(), 2, LR, COSTS, CONFIG)
