"""Intervals for new episodes, classes and trainings: each wider than the one before, and covering as it says."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration.rates import most_allowed, power
from lambda_core.errors import SelectionError
from lambda_core.selection.paired_tests import PairedDifference
from lambda_core.selection.variance import Populations, describe_needed, needed_for
from tests.selection.variance.test_class_effects import drawn, values_of


def test_for_new_episodes_it_is_the_paired_interval() -> None:
    values = np.random.default_rng(0).normal(1, 3, 50)
    seen = Populations.of(values[None], confidence=0.9)
    mean, half = values.mean(), PairedDifference.of(values[None]).half_width(0.9).item()
    assert tuple(seen.episodes) == pytest.approx((mean, mean - half, mean + half))
    assert (seen.classes, seen.trainings) == (None, None)
    assert seen.widest == seen.episodes


DRAWS = 325  # a world
WORLDS = [(3, 2.0), (5, 2.0), (3, 0.0), (2, 4.0)]


def missed(trainings: int, between: float) -> list[int]:
    """How often the interval for new trainings, and that for new episodes, leaves out the truth."""
    random, hits = np.random.default_rng(1), []
    for _ in range(DRAWS):
        places = drawn(random, 20, 200)
        own = random.normal(0, between, (trainings, 1)) + random.normal(0, 6, (trainings, 200))
        seen = Populations.of(values_of(random, places, 4, 4) + own, places)
        assert seen.trainings is not None
        assert seen.classes is not None
        assert seen.episodes.half_width <= seen.classes.half_width
        hits.append([each.low <= 0 <= each.high for each in (seen.trainings, seen.episodes)])
    return [DRAWS - int(held) for held in np.sum(hits, axis=0)]


@pytest.mark.slow
def test_the_interval_for_new_trainings_covers() -> None:
    """Over the worlds together 8 % of misses in place of 5 % would be seen with a chance of 90 %."""
    misses = np.array([missed(*world) for world in WORLDS])
    assert power(0.05, 0.08, DRAWS * len(WORLDS)) >= 0.9
    assert misses[:, 0].sum() <= most_allowed(0.05, DRAWS * len(WORLDS))
    assert misses[:, 0].max() <= most_allowed(0.05, DRAWS)
    assert misses[:, 1].min() > 0.3 * DRAWS


def test_too_little_to_say_anything_is_refused() -> None:
    with pytest.raises(SelectionError, match="at least two episodes"):
        Populations.of(np.zeros((3, 1)))


def test_what_is_needed_is_enough_and_one_less_is_not() -> None:
    random = np.random.default_rng(2)
    seen = Populations.of(random.normal(0.4, 3, (1, 100)))
    needed = needed_for(seen, distance=0.2)
    assert needed.episodes is not None
    half = 0.2 / seen.episodes.half_width * np.sqrt(100)
    assert needed.episodes - 1 < (100 / half) ** 2 <= needed.episodes
    assert describe_needed(needed, seen) == f"about {needed.episodes:,} episodes (100 now)"


def test_where_classes_are_what_is_missing_episodes_do_not_help() -> None:
    random = np.random.default_rng(3)
    places = drawn(random, 16, 1000)
    seen = Populations.of(values_of(random, places, 8, 2)[None], places)
    needed = needed_for(seen, distance=0.5 * seen.widest.half_width)
    assert needed.episodes is None
    assert needed.classes is not None
    assert 4 * 14 < needed.classes < 5 * 16  # four times as many halve the interval
    assert "classes (16 now)" in describe_needed(needed, seen)


def test_where_trainings_are_what_is_missing_nothing_else_helps() -> None:
    random = np.random.default_rng(4)
    seen = Populations.of(random.normal(0, 5, (3, 1)) + random.normal(0, 1, (3, 500)))
    needed = needed_for(seen, distance=0.5 * seen.widest.half_width)
    assert (needed.episodes, needed.classes) == (None, None)
    assert needed.trainings in (12, 13)


def test_on_the_threshold_itself_nothing_decides() -> None:
    seen = Populations.of(np.random.default_rng(5).normal(0, 1, (1, 50)))
    assert "more of everything" in describe_needed(needed_for(seen, distance=0.0), seen)
