"""Costs of one timing condition; mixed or missing times are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lambda_core.errors import SelectionError
from lambda_core.selection.comparison import select_pattern
from lambda_core.selection.speed import TimingCondition, rows_under, timing_conditions
from lambda_core.studies import Study


def test_mixed_conditions_are_refused_and_can_be_told_apart(study: Study, val: pd.DataFrame) -> None:
    mixed = pd.concat([study.timing, study.timing.head(500).assign(device="cuda")])
    with pytest.raises(
        SelectionError, match=r"mixes 2 conditions \(device cpu, threads 1, .*; device cuda, threads 1, "
    ):
        select_pattern(val, mixed, 5, 1.0)
    conditions = timing_conditions(mixed)
    machine = ("2.14.1", "a synthetic processor")
    assert conditions == [TimingCondition("cpu", 1, *machine), TimingCondition("cuda", 1, *machine)]
    assert len(rows_under(mixed, conditions[0])) == len(study.timing)
    select_pattern(val, rows_under(mixed, conditions[0]), 5, 1.0)


def test_two_versions_of_torch_are_two_conditions(study: Study, val: pd.DataFrame) -> None:
    half = len(study.timing) // 2
    versions = ["2.14.1"] * half + ["2.13.0"] * (len(study.timing) - half)
    with pytest.raises(SelectionError, match=r"torch 2\.13\.0"):
        select_pattern(val, study.timing.assign(torch=versions), 5, 1.0)


def test_two_processors_are_two_conditions(study: Study, val: pd.DataFrame) -> None:
    second = study.timing.head(500).assign(processor="another")
    mixed = pd.concat([study.timing, second])
    with pytest.raises(SelectionError, match=r"a synthetic processor; device cpu, threads 1, torch 2\.14\.1, another"):
        select_pattern(val, mixed, 5, 1.0)
    assert len(rows_under(mixed, timing_conditions(mixed)[1])) == 500


Change = Callable[[pd.DataFrame], pd.DataFrame]


def set_cell(column: str, value: Any) -> Change:
    return lambda frame: frame.assign(**{column: frame[column].where(np.arange(len(frame)) != 7, value)})


BAD_TIMING: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame | None], str]] = {
    "none": (lambda _: None, "no timing yet; lambda-core time makes it"),
    "empty": (lambda f: f.head(0), "no timing yet"),
    "untimed": (lambda f: f[f["pattern"] != "00111"], "pattern 00111 at 1 steps was not timed"),
    "NaN": (set_cell("milliseconds", np.nan), "negative or no number"),
    "negative": (set_cell("milliseconds", -1.0), "negative or no number"),
    "two thread counts": (set_cell("threads", 2), "mixes 2 conditions"),
}


@pytest.mark.parametrize("fault", BAD_TIMING)
def test_bad_times(study: Study, val: pd.DataFrame, fault: str) -> None:
    change, message = BAD_TIMING[fault]
    with pytest.raises(SelectionError, match=message):
        select_pattern(val, change(study.timing), 5, 1.0)
