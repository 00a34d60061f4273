"""A race finds what an exhaustive selection finds, for a fifth of the adaptations or less, and keeps the promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmarks.calibration.rates import most_allowed, power
from benchmarks.calibration.worlds import World, all_worse, ladder, one_good
from lambda_core.errors import SelectionError
from lambda_core.selection.paired_tests import PairedDifference
from lambda_core.selection.racing import rounds
from lambda_core.selection.racing.rounds import RaceState, race
from tests.support.race_worlds import entrants_of, runner_of

DRAWS = 220  # a world

WORLDS = {
    "one point": (1.0, 0.95, replace(all_worse(1.0, 31), episodes=200)),
    "half a point": (0.5, 0.95, replace(all_worse(0.5, 31), episodes=200)),
    "one candidate": (1.0, 0.95, replace(all_worse(1.0, 1), episodes=200)),
    "independent": (1.0, 0.95, replace(all_worse(1.0, 31), episodes=200, correlation=0.0)),
    "few episodes": (1.0, 0.95, replace(all_worse(1.0, 31), episodes=40)),
    "mixed": (1.0, 0.95, World(truth=(0.0, 0.5, *(1.01,) * 60, 0.9), episodes=200)),
    "lower confidence": (1.0, 0.8, replace(all_worse(1.0, 31), episodes=200)),
}


def chosen(world: World, threshold: float, confidence: float, rng: np.random.Generator) -> int:
    seen = world.draw(rng)
    entrants = entrants_of(len(seen))
    state = RaceState(entrants, runner_of(seen), world.episodes, threshold, 1 - confidence)
    while len(batch := state.next_batch()):
        state.run(batch)
    return int(entrants.candidates[state.leader()].pattern, 2)


def worse(name: str, draws: int = DRAWS) -> int:
    """In how many of so many races a candidate is chosen that is truly worse than allowed."""
    threshold, confidence, world = WORLDS[name]
    rng, truth = np.random.default_rng(5), np.append(world.truth, 0.0)
    return sum(int(truth[chosen(world, threshold, confidence, rng)] > threshold) for _ in range(draws))


@pytest.mark.slow
def test_too_bad_patterns_are_chosen_less_often_than_promised():
    """Over the worlds together a rate of 8 % in place of 5 % would be seen with a chance of 90 %."""
    counts = {name: worse(name) for name in WORLDS}
    for name, count in counts.items():
        assert count <= most_allowed(1 - WORLDS[name][1], DRAWS), name
    promised = [count for name, count in counts.items() if WORLDS[name][1] == 0.95]
    assert power(0.05, 0.08, DRAWS * len(promised)) >= 0.9
    assert sum(promised) <= most_allowed(0.05, DRAWS * len(promised))


@pytest.mark.parametrize("name", ["one candidate", "few episodes"])
def test_a_few_races_keep_the_promise(name):
    assert worse(name, 40) <= most_allowed(0.05, 40)


def plain_p(paired: PairedDifference, bound: float) -> NDArray[np.float64]:
    """Of a t test, as if the number of episodes had been fixed beforehand."""
    p: NDArray[np.float64] = stats.t.cdf((paired.mean - bound) / paired.error, paired.episodes - 1)
    return p


def test_uncorrected_looks_would_break_the_promise(monkeypatch):
    """So the test above can fail."""
    monkeypatch.setattr(PairedDifference, "p_at_most", plain_p)
    monkeypatch.setattr(rounds, "bonferroni", lambda p: p)
    assert worse("one point", 30) > 15


@pytest.mark.parametrize(("world", "share"), [(one_good(1.0, 310, 0.0), 0.9), (one_good(1.0, 31, 0.3), 0.9)])
def test_the_fastest_admissible_pattern_is_found(world, share):
    rng = np.random.default_rng(5)
    found = [chosen(world, 1.0, 0.95, rng) == len(world.truth) - 1 for _ in range(10)]
    assert np.mean(found) >= share


def test_on_a_ladder_it_spends_less_than_a_fifth_and_agrees_with_the_exhaustive_choice():
    rng, world = np.random.default_rng(0), ladder(310)
    for _ in range(3):
        seen = world.draw(rng)
        result = race(entrants_of(311), runner_of(seen), 600, 1.0)
        exhaustive = int((PairedDifference.of(seen).p_at_most(1.0) <= 0.05 / 310).argmax())
        assert result.share <= 0.2
        assert abs(exhaustive - int(result.chosen.pattern, 2)) <= 15  # rungs of 0.013 points


def test_adaptations_are_those_that_ran():
    calls: list[tuple[int, int]] = []
    seen = ladder(60).draw(np.random.default_rng(1))
    result = race(entrants_of(61), runner_of(seen, calls), 600, 1.0)
    assert (
        result.adaptations
        == sum(candidates * episodes for candidates, episodes in calls)
        == result.table["episodes"].sum()
    )
    assert result.exhaustive == 61 * 600


def test_slower_ones_than_a_winner_never_run():
    result = race(entrants_of(100), runner_of(np.random.default_rng(0).normal(0, 1, (100, 600))), 600, 2.0)
    slow = result.table.iloc[20:-1]
    assert (slow["episodes"] == 0).all()
    assert set(slow["outcome"]) == {"not needed"}
    assert result.chosen.pattern == "0"


def test_a_lucky_start_without_any_spread_is_no_evidence():
    seen = np.zeros((3, 600))
    seen[0, 300:] = 5.0  # the same as the reference on the first half, plainly worse on the second
    result = race(entrants_of(3), runner_of(seen), 600, 1.0)
    assert result.chosen.pattern == "1"


def test_where_nothing_passes_the_reference_is_chosen():
    result = race(entrants_of(20), runner_of(np.vstack([np.random.default_rng(0).normal(9, 5, (19, 100)),
                                                     np.zeros((1, 100))])), 100, 1.0)  # fmt: skip
    assert result.is_reference
    assert result.speed_up == 1.0


@pytest.mark.parametrize(
    ("episodes", "threshold", "confidence", "complaint"),
    [(4, 1.0, 0.95, "at least 8 episodes"), (50, -1.0, 0.95, "threshold"), (50, 1.0, 0.2, "confidence")],
)
def test_bad_input_is_named(episodes, threshold, confidence, complaint):
    with pytest.raises(SelectionError, match=complaint):
        race(entrants_of(3), runner_of(np.zeros((3, 50))), episodes, threshold, confidence)


def small_race(allowed: list[bool], threshold: float = 1.0) -> str:
    """Four candidates of cost 1 … 4, the reference last; the cheapest loses two points, the others nothing."""
    rng = np.random.default_rng(0)
    losses = np.array([2.0, 0.0, 0.0, 0.0])[:, None] + rng.normal(0, 0.5, (4, 200)) * np.array([1, 1, 1, 0])[:, None]
    entrants = replace(entrants_of(4), allowed=np.array(allowed))
    return race(entrants, runner_of(losses), 200, threshold).chosen.pattern


def test_what_is_not_allowed_does_not_run_for_the_place():
    assert small_race([True] * 4) == "1"
    assert small_race([True, False, True, True]) == "10"
    assert small_race([True, False, False, True]) == "11"


def test_a_dearer_one_may_win_where_the_reference_is_not_allowed():
    rng = np.random.default_rng(0)
    losses = rng.normal(0, 0.5, (4, 200)) * np.array([0, 1, 1, 1])[:, None]
    dear = replace(entrants_of(4), reference=0, allowed=np.array([False, False, True, True]))
    assert race(dear, runner_of(losses), 200, 1.0).chosen.pattern == "10"
    assert not replace(dear, allowed=None).rivals.any()


def test_where_nothing_allowed_passes_one_sentence_says_so():
    with pytest.raises(SelectionError, match="nothing that fits into the memory allowed"):
        small_race([True, False, False, False])
