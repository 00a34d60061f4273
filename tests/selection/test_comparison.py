"""From two tables to a choice, against known truths, and no silent answer to a bad question."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from lambda_core.errors import SelectionError
from lambda_core.selection.comparison import budget_curve, candidate_table, compare_candidates, select_pattern
from lambda_core.selection.sentences import sentence
from lambda_core.studies import Study
from tests.support.small_tables import accuracies, times_of
from tests.support.synthetic import LAYERS


def test_table_has_a_row_a_candidate_and_an_exact_reference(study: Study, val: pd.DataFrame) -> None:
    table = candidate_table(val, study.timing, 5, 1.0)
    assert len(table) == 1 + 31 * 6
    reference = table[table["reference"]].iloc[0]
    assert (reference["pattern"], reference["steps"], reference["lr"]) == ("11111", 5, 0.05)
    assert (reference["degradation"], reference["verdict"], reference["speed_up"]) == (0, "pass", 1)
    assert not table.drop(columns="peak_bytes").isna().any().any()  # which these tables do not count
    assert (table["degradation_low"] <= table["degradation"]).all()
    assert table["accuracy_low"].min() >= 0
    assert set(table["verdict"]) == {"pass", "fail", "undecided"}


def test_degradation_is_paired_and_in_points(study: Study, val: pd.DataFrame) -> None:
    table = candidate_table(val, study.timing, 5, 1.0).set_index(["pattern", "steps"])
    wide = val.pivot_table(index="episode", columns=["pattern", "steps"], values="accuracy", observed=True)
    expected = 100 * (wide[("11111", 5)] - wide[("00001", 2)]).mean()
    assert table.loc[("00001", 2), "degradation"] == pytest.approx(expected, abs=1e-4)


def test_patterns_without_the_head_fail_and_the_head_alone_is_chosen(study: Study, val: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 2.0)
    assert choice.pattern == "00001"
    assert choice.speed_up > 8
    assert choice.degradation.estimate < 2
    assert choice.candidates == len(choice.verdicts) - 1
    verdicts = choice.verdicts.set_index("pattern")["verdict"]
    assert (verdicts[[not p.endswith("1") for p in verdicts.index]] == "fail").all()


def test_choice_is_the_fastest_that_passes(study: Study, val: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 1.5, axis="multiply_adds")
    passing = choice.verdicts[choice.verdicts["verdict"] == "pass"]
    assert choice.multiply_adds == passing["multiply_adds"].min()
    assert choice.speed_up == pytest.approx(passing["speed_up"].max())


def test_nothing_faster_gives_the_reference(study: Study, val: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 0.0, confidence=0.999)
    assert choice.is_reference
    assert (choice.pattern, choice.steps, choice.speed_up) == ("11111", 5, 1.0)
    assert sentence(choice, None, LAYERS).startswith(
        "Keep the full pattern for 5 steps: nothing faster is shown to lose"
    )


def test_no_adaptation_is_chosen_where_nothing_is_lost() -> None:
    table = accuracies(p11=[0.5, 0.6, 0.7, 0.5], p00=[0.6, 0.6, 0.7, 0.5])
    choice = select_pattern(table, times_of(p11=[10, 11, 12]), 1, 100.0)
    assert (choice.pattern, choice.steps, choice.milliseconds) == ("00", 0, 0)
    assert math.isinf(choice.speed_up)
    assert json.loads(json.dumps(choice.as_dict(), allow_nan=False))["speed_up"] is None
    assert sentence(choice, None, ["body", "head"]) == "Do not adapt at all: nothing is spent."


def test_identical_accuracies_are_no_proof() -> None:
    same = [0.5, 0.6, 0.7, 0.4] * 25
    table, timing = accuracies(p11=same, p01=same), times_of(p11=[10, 11], p01=[2, 3])
    assert select_pattern(table, timing, 1, 1.0).is_reference
    choice = select_pattern(table, timing, 1, 6.0)
    assert (choice.pattern, choice.degradation.estimate) == ("01", 0)
    assert 3 < choice.degradation.high < 6  # what may have gone unseen in a hundred episodes


def test_budget_curve_only_rises(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5, axis="multiply_adds")
    curve = budget_curve(comparison, np.arange(0, 5.1, 0.25))
    assert curve.columns.tolist() == ["threshold", "speed_up", "pattern", "steps", "lr", "accuracy"]
    assert (curve["speed_up"].diff().dropna() >= 0).all()
    assert curve["speed_up"].iloc[-1] > curve["speed_up"].iloc[0]


def test_a_comparison_answers_as_the_one_shot_functions(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5)
    pd.testing.assert_frame_equal(comparison.table(0.7, 0.9), candidate_table(val, study.timing, 5, 0.7, 0.9))
    assert comparison.choose(0.7, 0.9).as_dict() == select_pattern(val, study.timing, 5, 0.7, 0.9).as_dict()


def test_a_higher_confidence_never_passes_more(study: Study, val: pd.DataFrame) -> None:
    comparison = compare_candidates(val, study.timing, 5)
    passes = [(comparison.table(1.0, confidence)["verdict"] == "pass").sum() for confidence in (0.8, 0.95, 0.999)]
    assert passes == sorted(passes, reverse=True)


def test_other_step_sizes_are_looked_at_only_if_asked(scaled: Study) -> None:
    frame = scaled.accuracy[scaled.accuracy["split"] == "val"]
    own, every = (compare_candidates(frame, scaled.timing, 2, any_lr=any_lr).table(1.0) for any_lr in (False, True))
    assert own["lr"].unique().tolist() == [0.05]
    assert sorted(every["lr"].unique()) == [0.025, 0.05, 0.1]
    assert len(every) == 1 + 3 * 31 * 2
    assert every.loc[every["reference"], "lr"].item() == 0.05


def test_bad_axis(study: Study, val: pd.DataFrame) -> None:
    with pytest.raises(SelectionError, match="milliseconds or multiply_adds, not 'joules'"):
        select_pattern(val, study.timing, 5, 1.0, axis="joules")  # type: ignore[arg-type]
