"""Worlds resampled from tables have the truth that they say, and the rule of before is what it was."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from benchmarks.calibration.looks import ONE, false_passes
from benchmarks.calibration.rates import Rate, most_allowed, power
from benchmarks.calibration.replays import Half, covered
from benchmarks.calibration.resampled import Population
from benchmarks.choices import choices
from benchmarks.earlier_rule import earlier_row, holm
from benchmarks.records import RESULTS
from lambda_core.selection import compare_candidates
from lambda_core.studies import Study

LOST = np.round(np.random.default_rng(0).normal(0.3, 4, (12, 80)) * (np.random.default_rng(1).uniform(size=80) < 0.4))


def test_a_tilted_population_loses_what_is_wished_by_values_that_were_measured() -> None:
    tilted = Population(LOST, LOST.mean(axis=1)).tilted(np.array([1.0, 2.0]))
    assert tilted.truth == pytest.approx(np.resize([1.0, 2.0], 12), abs=1e-5)
    assert (tilted.truth > np.resize([1.0, 2.0], 12)).all()
    drawn = tilted.draw(np.random.default_rng(2), 40_000)
    assert drawn.mean(axis=1) == pytest.approx(tilted.truth, abs=0.1)
    assert set(drawn[3]) <= set(LOST[3])


def test_a_candidate_that_never_loses_so_much_is_left_out() -> None:
    lost = np.vstack([LOST, np.zeros(80)])
    assert len(Population(lost, lost.mean(axis=1)).tilted(ONE).lost) == 12


def test_false_passes_are_counted_once_they_happened() -> None:
    population = Population(LOST, LOST.mean(axis=1)).tilted(ONE)
    found = false_passes(population, ONE, 40, 60, looks=3)
    counts = {rule: [rate.count for rate in rates] for rule, rates in found.items()}
    assert all(np.diff(each).min() >= 0 for each in counts.values())
    assert counts["now"][-1] <= most_allowed(0.05, 60)
    certain = false_passes(Population(np.zeros((1, 20)), ONE + 1), ONE, 20, 5, looks=1)
    assert certain["before"][0].count == 5  # no difference at all was certainty


def test_halves_of_equal_episodes_agree() -> None:
    classes = np.array([np.random.default_rng(seed).permutation(12)[:5] for seed in range(80)])
    half = Half(LOST, classes)
    assert np.array(list(covered(half, half))).all()
    assert half.within(np.arange(8)).classes.max() < 8
    far = Half(LOST + 30, classes)
    assert not np.array(list(covered(half, far))).any()


@pytest.mark.parametrize(("count", "draws"), [(0, 50), (3, 50), (50, 50)])
def test_the_interval_of_a_rate_is_exact(count: int, draws: int) -> None:
    expected = binomtest(count, draws).proportion_ci(0.95, method="exact")
    assert (Rate(count, draws).low, Rate(count, draws).high) == pytest.approx((expected.low, expected.high))


def test_more_draws_see_more() -> None:
    assert power(0.05, 0.08, 300) < 0.5
    assert power(0.05, 0.08, 1300) > 0.9


def test_the_written_choices_are_those_of_the_tables_as_they_are() -> None:
    written = json.loads((RESULTS / "choices.json").read_text(encoding="utf-8"))["choices"]
    found = list(choices(Study.load("glyphs-5w1s"), 0.95))
    assert found == [each for each in written if each["study"] == "glyphs-5w1s"], "run python -m benchmarks.choices"


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])


def test_a_noisy_time_of_the_reference_tied_with_everything_before_and_does_no_more() -> None:
    random = np.random.default_rng(0)
    values = {"11": random.uniform(0.4, 0.6, 200)}
    values["01"] = values["11"] + random.normal(0, 0.01, 200)
    accuracy = pd.DataFrame(
        [(name, 1, 0.1, episode, value) for name, each in values.items() for episode, value in enumerate(each)],
        columns=["pattern", "steps", "lr", "episode", "accuracy"],
    )
    times = {"11": [10.0, 10.0, 30.0, 30.0, 10.0, 30.0, 10.0], "01": [1.0] * 7}
    timing = pd.DataFrame(
        [(name, 1, number, ms, 1) for name, each in times.items() for number, ms in enumerate(each)],
        columns=["pattern", "steps", "repeat", "milliseconds", "multiply_adds"],
    ).assign(device="cpu", threads=1)
    comparison = compare_candidates(accuracy, timing, 1)
    names = comparison.candidates["pattern"]
    assert names[earlier_row(comparison, 2.0)] == "11"
    assert comparison.choose(2.0).pattern == "01"
