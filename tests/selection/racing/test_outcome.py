"""A race's winner, confirmed once, beside the exhaustive choice."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration.worlds import ladder
from lambda_core.selection.comparison import compare_candidates
from lambda_core.selection.racing import Entrants, against_exhaustive, confirm_race, race, replay
from lambda_core.studies.study import Study
from tests.support.race_worlds import entrants_of, runner_of
from tests.support.synthetic import Truth, write_study

TRUTHS = {
    "head only": Truth(),
    "freezing is free": Truth(loss=(0.0, 0.0, 0.0, 0.0, 0.0)),
    "freezing costs": Truth(loss=(0.02, 0.02, 0.02, 0.02, 0.0)),
    "lower convolutions are free": Truth(loss=(0.0, 0.0, 0.01, 0.03, 0.0)),
}


@pytest.mark.parametrize(
    ("truth", "axis"),
    [
        ("head only", "milliseconds"),
        pytest.param("freezing is free", "multiply_adds", marks=pytest.mark.slow),
        pytest.param("freezing costs", "milliseconds", marks=pytest.mark.slow),
        pytest.param("lower convolutions are free", "multiply_adds", marks=pytest.mark.slow),
    ],
)
def test_on_synthetic_studies_it_agrees_for_a_fifth_of_the_work(truth, axis, tmp_path):
    study = Study.load(write_study(tmp_path, episodes=400, truth=TRUTHS[truth], seed=3))
    val = study.split("val")
    comparison = compare_candidates(val, study.timing, 5, axis=axis)
    runner = replay(val)
    entrants = Entrants.of(comparison.candidates, comparison.speed_ups.estimate, comparison.reference, axis)
    for threshold in (0.5, 1.0, 2.0):
        result = race(entrants, runner, 400, threshold)
        assert result.share <= 0.2
        assert against_exhaustive(result, comparison, runner).agrees


def test_the_winner_is_confirmed_once():
    seen = ladder(60).draw(np.random.default_rng(1))
    runner = runner_of(seen)
    result = race(entrants_of(61), runner, 600, 1.0)
    confirmation = confirm_race(result, runner, 600)
    row = result.table[result.table["pattern"] == result.chosen.pattern].iloc[0]
    assert confirmation.degradation.estimate == pytest.approx(seen[int(result.chosen.pattern, 2)].mean())
    assert confirmation.degradation.low < confirmation.degradation.estimate < confirmation.degradation.high
    assert row["outcome"] == "pass"
