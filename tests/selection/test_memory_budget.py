"""A device's memory: only what fits is chosen, and where nothing does, the sentence says what would."""

from __future__ import annotations

import pandas as pd
import pytest

from lambda_core.errors import SelectionError
from lambda_core.formatting import kilobytes
from lambda_core.selection.comparison import Comparison, budget_curve, compare_candidates
from lambda_core.selection.sentences import sentence
from tests.support.small_tables import accuracies, times_of

LAYERS = ["first", "last"]
NEEDS = {"11": 9_000, "01": 4_000, "10": 8_000, "00": 0}  # bytes
EPISODES = 400


def losing(share: float) -> list[float]:
    """Accuracies that are 0.1 below 0.6 in a share of the episodes."""
    lost = round(share * EPISODES)
    return [0.5] * lost + [0.6] * (EPISODES - lost)


def comparison(needs: dict[str, int] = NEEDS) -> Comparison:
    accuracy = accuracies(p11=losing(0), p01=losing(0.02), p10=losing(0.08), p00=[0.2] * EPISODES)
    timing = times_of(p11=[8.0, 8.1], p01=[4.0, 4.1], p10=[1.0, 1.1])
    parts = {"weight_bytes": 1 / 4, "kept_bytes": 1 / 2, "workspace_bytes": 1 / 4}
    counted = {name: timing["pattern"].map(needs) * share for name, share in parts.items()}
    return compare_candidates(accuracy, timing.assign(**counted), 1)


def test_only_what_fits_is_chosen() -> None:
    free, small = comparison().choose(3.0), comparison().choose(3.0, memory=5_000)
    assert (free.pattern, small.pattern) == ("10", "01")
    assert small.peak_bytes == 4_000
    assert "4.0 kB of the 5.0 kB allowed" in sentence(small, None, LAYERS)
    assert "allowed" not in sentence(free, None, LAYERS)


def test_more_memory_never_gives_a_slower_choice() -> None:
    speeds = [comparison().choose(3.0, memory=memory).speed_up for memory in (4_000, 8_000, 9_000, 10**6)]
    assert speeds == sorted(speeds)


def test_where_nothing_fits_the_error_says_what_would() -> None:
    with pytest.raises(SelectionError, match=r"fits into 3.0 kB: the smallest that does, 01 for 1 steps, needs 4.0 kB"):
        comparison().choose(3.0, memory=3_000)


def test_what_was_not_counted_is_not_guessed() -> None:
    uncounted = comparison(dict.fromkeys(NEEDS, 0))
    assert uncounted.choose(3.0).peak_bytes is None
    with pytest.raises(SelectionError, match="--memory-only counts it"):
        uncounted.choose(3.0, memory=5_000)


def test_the_curve_leaves_out_thresholds_where_nothing_fits() -> None:
    curve: pd.DataFrame = budget_curve(comparison(), [0.0, 3.0], memory=5_000)
    assert curve["threshold"].tolist() == [3.0]


@pytest.mark.parametrize(("count", "text"), [(0, "0 kB"), (900, "0.9 kB"), (1_432_000, "1,432 kB")])
def test_kilobytes(count: int, text: str) -> None:
    assert kilobytes(count) == text
