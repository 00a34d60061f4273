"""A choice is confirmed by one look at other classes."""

from __future__ import annotations

import pandas as pd
import pytest

from lambda_core.errors import SelectionError
from lambda_core.selection.choice import confirm
from lambda_core.selection.comparison import select_pattern
from lambda_core.selection.paired_tests import PairedDifference
from lambda_core.studies import Study
from tests.support.small_tables import accuracies, times_of


def test_confirmation_is_corrected_for_what_a_threshold_may_choose(
    study: Study, val: pd.DataFrame, unseen: pd.DataFrame
) -> None:
    choice = select_pattern(val, study.timing, 5, 2.0)
    confirmation = confirm(choice, unseen)
    wide = unseen.pivot_table(index="episode", columns=["pattern", "steps"], values="accuracy", observed=True)
    chosen, full = wide[(choice.pattern, choice.steps)], wide[("11111", 5)]
    paired = PairedDifference.in_points(full.to_numpy(), chosen.to_numpy())
    assert confirmation.claims == choice.finalists > 1
    assert confirmation.degradation.high == pytest.approx(paired.upper(0.05 / choice.finalists).item(), abs=1e-4)
    assert (confirmation.verdict == "pass") == (confirmation.degradation.high <= 2.0)
    assert confirmation.degradation.estimate == pytest.approx(100 * (full - chosen).mean(), abs=1e-4)
    assert confirmation.episodes == 300


@pytest.mark.parametrize(("loss", "verdict"), [(0.0, "pass"), (0.2, "fail"), (0.01, "undecided")])
def test_confirmation_has_three_outcomes(loss: float, verdict: str) -> None:
    full = [0.5, 0.6, 0.7, 0.6, 0.5, 0.7] * 20
    shaken = [f - loss + d for f, d in zip(full, [0.02, -0.02, 0.01, -0.01, 0.005, -0.005] * 20, strict=True)]
    level = [f + d for f, d in zip(full, [0.01, -0.01] * 60, strict=True)]
    choice = select_pattern(accuracies(p11=full, p01=level), times_of(p11=[9, 9], p01=[1, 1]), 1, 1.0)
    assert choice.pattern == "01"
    settled = confirm(choice, accuracies(p11=full, p01=shaken))
    assert settled.verdict == verdict


def test_confirmation_of_the_reference_itself(study: Study, val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 0.0, confidence=0.999)
    assert confirm(choice, unseen).verdict == "pass"
    assert confirm(choice, unseen).degradation.estimate == 0


def test_confirmation_needs_the_candidate(study: Study, val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 2.0)
    with pytest.raises(SelectionError, match=f"has no pattern {choice.pattern} at {choice.steps} steps"):
        confirm(choice, unseen[unseen["pattern"] != choice.pattern])


def test_records_are_flat(study: Study, val: pd.DataFrame, unseen: pd.DataFrame) -> None:
    choice = select_pattern(val, study.timing, 5, 2.0)
    confirmation = confirm(choice, unseen)
    assert list(choice.as_dict()) == [
        *("pattern", "steps", "lr", "speed_up", "speed_up_low", "speed_up_high", "near_fastest"),
        *("degradation", "degradation_low", "degradation_high", "accuracy"),
        *("milliseconds", "multiply_adds", "peak_bytes", "memory", "threshold", "confidence", "reference_steps"),
        *("reference_lr", "episodes", "candidates", "finalists", "axis"),
    ]
    assert confirmation.as_dict()["low"] == confirmation.degradation.low
    assert list(confirmation.as_dict()) == [
        *("verdict", "degradation", "low", "high", "accuracy", "reference_accuracy", "episodes", "claims"),
    ]
