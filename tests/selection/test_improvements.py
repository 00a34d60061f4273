"""Patterns truly better than the full one are found; others are not said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lambda_core.errors import SelectionError
from lambda_core.selection.improvements import best_gain_at, better_than_full
from lambda_core.selection.paired_tests import PairedDifference
from lambda_core.studies import Study
from tests.support.synthetic import Truth, write_study


def test_a_pattern_truly_better_than_full_is_gain(tmp_path: Path) -> None:
    truth = Truth(loss=(-0.02, 0.03, 0.03, 0.03, 0.0))  # freezing conv1 helps by two points
    study = Study.load(write_study(tmp_path, "a", episodes=300, max_steps=2, filters=4, steps=2, truth=truth))
    val, test = (study.split(split) for split in ("val", "test"))
    table = better_than_full(val)
    assert table.loc[table["better"], "pattern"].unique().tolist() == ["01111"]
    assert (table["pattern"] != "11111").all()
    gain = best_gain_at(val, test)
    assert (gain.pattern, gain.steps, gain.better) == ("01111", 1, True)
    assert gain.gain.low < 2 * (1 - 0.18) < gain.gain.high + 1
    assert gain.gain.estimate == pytest.approx(100 * (gain.accuracy - gain.full_accuracy))


def test_superiority_is_a_paired_test_corrected_over_all(val: pd.DataFrame) -> None:
    table = better_than_full(val, steps=[1, 3])
    assert sorted(table["steps"].unique()) == [1, 3]
    assert len(table) == 2 * 30
    assert table["p_adjusted"].to_numpy() == pytest.approx(np.minimum(1, 60 * table["p_value"].to_numpy()))
    wide = val.pivot_table(index="episode", columns=["pattern", "steps"], values="accuracy", observed=True)
    row = table.iloc[4]
    one, full = (wide[(pattern, row["steps"])].to_numpy(float) for pattern in (row["pattern"], "11111"))
    paired = PairedDifference.in_points(one, full)
    assert row["p_value"] == pytest.approx(paired.p_above(0.0).item(), rel=1e-4)
    assert row["gain_low"] == pytest.approx(paired.lower(0.05 / 60).item(), rel=1e-4)
    assert ((table["gain_low"] >= 0) == table["better"]).all()


def test_one_step_reports_the_other_split(val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    gain = best_gain_at(val, unseen)
    full = unseen[(unseen["pattern"] == "11111") & (unseen["steps"] == 1)]["accuracy"]
    assert gain.full_accuracy == pytest.approx(full.mean(), abs=1e-6)
    assert gain.full.low < gain.full_accuracy < gain.full.high
    assert gain.gain.low < gain.gain.estimate < gain.gain.high


def test_better_than_full_needs_a_rival(val: pd.DataFrame) -> None:
    with pytest.raises(SelectionError, match="no other pattern was measured"):
        better_than_full(val[val["pattern"] == "11111"])
