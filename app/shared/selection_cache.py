"""What a study's tables say, asked through `lambda_core.select` and remembered while its files stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.shared import study_cache
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import (
    Choice,
    Comparison,
    Confirmation,
    PatternGain,
    best_gain_at,
    budget_curve,
    compare_candidates,
    confirm,
)
from lambda_core.studies import Study

THRESHOLDS = [round(0.1 * tenth, 1) for tenth in range(51)]


def choose(
    study: Study, timing: str, axis: str, any_lr: bool, threshold: float, confidence: float
) -> tuple[Choice, Confirmation]:
    """The selection on validation classes and its one confirmation on test classes."""
    return _choice(study.name, study_cache.stamp(study), timing, axis, any_lr, threshold, confidence, _study=study)


@st.cache_resource(max_entries=128, show_spinner=False)
def _choice(
    name: str, stamp: Any, timing: str, axis: str, any_lr: bool, threshold: float, confidence: float, *, _study: Study
) -> tuple[Choice, Confirmation]:
    choice = _evidence(name, stamp, timing, axis, any_lr, _study=_study).choose(threshold, confidence)
    return choice, confirm(choice, _only_asked(split(_study, "test"), choice))


def _only_asked(table: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """The rows of the chosen candidate and of the reference: two of hundreds, so that a new threshold costs little."""
    full = "1" * len(choice.pattern.split("/")[0])
    chosen = (table["pattern"] == choice.pattern) & (table["steps"] == choice.steps)
    return table[chosen | ((table["pattern"] == full) & (table["steps"] == choice.reference_steps))]


@st.cache_resource(max_entries=16, show_spinner="Comparing the candidates episode by episode …")
def _evidence(name: str, stamp: Any, timing: str, axis: str, any_lr: bool, *, _study: Study) -> Comparison:  # noqa: ARG001
    return compare_candidates(
        split(_study, "val"), study_cache.timing_of(_study, timing), _study.config.steps,
        any_lr=any_lr, axis=axis, lr=_study.config.lr,
    )  # fmt: skip


def differences(study: Study, row: pd.Series) -> np.ndarray:
    """(episodes,) points that the candidate lies below the full pattern, validation episode by episode."""
    val = split(study, "val")
    full = "1" * len(study.layers)
    reference = _episodes(val, full, study.config.steps, study.config.lr)
    return 100 * (reference - _episodes(val, row["pattern"], int(row["steps"]), row["lr"])).to_numpy()


def _episodes(table: pd.DataFrame, pattern: str, steps: int, lr: float) -> pd.Series:
    rows = table[(table["pattern"] == pattern) & (table["steps"] == steps)]
    return rows[np.isclose(rows["lr"], lr)].set_index("episode")["accuracy"].astype(float).sort_index()


def curve(study: Study, timing: str, axis: str, any_lr: bool, confidence: float) -> pd.DataFrame:
    """The best speed-up at every threshold from 0 to 5 points."""
    return _curve(study.name, study_cache.stamp(study), timing, axis, any_lr, confidence, _study=study)


@st.cache_resource(max_entries=16, show_spinner="Asking every threshold …")
def _curve(
    name: str, stamp: Any, timing: str, axis: str, any_lr: bool, confidence: float, *, _study: Study
) -> pd.DataFrame:
    return budget_curve(_evidence(name, stamp, timing, axis, any_lr, _study=_study), THRESHOLDS, confidence)


def split(study: Study, name: str) -> pd.DataFrame:
    """The accuracy rows of one split."""
    return study.accuracy[study.accuracy["split"] == name]


def has_several_lrs(study: Study) -> bool:
    return study.accuracy["lr"].nunique() > 1


def find(table: pd.DataFrame, pattern: LambdaPattern, steps: int, lr: float) -> pd.Series | None:
    """The candidate's row; None if it was not measured. Zero steps are no adaptation, whatever the pattern."""
    still = steps == 0 or not pattern.updates_anything
    text = "0" * pattern.layers if still else str(pattern.first(steps))
    asked = (table["pattern"] == text) & (table["steps"] == (0 if still else steps))
    found = table[asked & (still | np.isclose(table["lr"], lr))]
    return None if found.empty else found.iloc[0]


def searched(study: Study, pattern: LambdaPattern, steps: int) -> pd.Series | None:
    """What a search says of a pattern on fresh validation episodes; None if it did not look so far."""
    if study.search is None or steps == 0:
        return None
    val = study.search[study.search["split"] == "val"]
    found = val[(val["pattern"] == str(pattern.first(steps))) & (val["steps"] == steps)]
    return None if found.empty else found.iloc[0]


def first_steps(study: Study, any_lr: bool, confidence: float) -> list[PatternGain]:
    """For every step count up to the reference's: the full pattern against the best other one, on test classes."""
    return _first_steps(study.name, study_cache.stamp(study), any_lr, confidence, _study=study)


@st.cache_resource(max_entries=16, show_spinner="Comparing the first steps …")
def _first_steps(name: str, stamp: Any, any_lr: bool, confidence: float, *, _study: Study) -> list[PatternGain]:  # noqa: ARG001
    val, test = split(_study, "val"), split(_study, "test")
    return [
        best_gain_at(val, test, confidence, steps=steps, any_lr=any_lr) for steps in range(1, _study.config.steps + 1)
    ]
