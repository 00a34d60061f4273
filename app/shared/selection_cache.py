"""What `lambda_core` says of a study's tables, asked once and remembered while its files stay the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.shared.study_cache import BY_FILES
from lambda_core import analysis
from lambda_core.analysis import (
    compare_study,
    default_condition,
    describe_machines,
    describe_populations,
    describe_undecided,
    on_machines,
    populations,
)
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import (
    Candidate,
    Choice,
    Comparison,
    Confirmation,
    Interval,
    PatternGain,
    SelectionSettings,
    best_gain_at,
    budget_curve,
    confirm,
    same_step_size,
)
from lambda_core.studies import Study

THRESHOLDS = [round(0.1 * tenth, 1) for tenth in range(51)]  # points


@st.cache_resource(max_entries=128, show_spinner=False, hash_funcs=BY_FILES)
def choose(study: Study, settings: SelectionSettings) -> tuple[Choice, Confirmation]:
    """The selection on validation classes and its one confirmation on test classes, as `analysis.choose` makes them."""
    choice = _compared(study, settings).choose(settings.threshold, settings.confidence, settings.memory)
    return choice, confirm(choice, study.scores("test"))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def full_accuracy(study: Study) -> Interval:
    """Of all layers at the study's own steps, on test classes: 0 to 1, with its 95 % interval."""
    return analysis.full_accuracy(study)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def reach(study: Study, settings: SelectionSettings) -> dict[str, str]:
    """Population → what the choice loses there, on which machines it holds, and what would decide what is open."""
    choice, seen = choose(study, settings)
    undecided = describe_undecided(study, choice, seen)
    if choice.is_reference:
        return dict(line.split(": ", 1) for line in undecided)
    lines = describe_populations(populations(study, choice, confidence=settings.confidence), settings.threshold)
    lines += undecided
    machines = describe_machines(on_machines(study, choice, settings))
    return dict(line.split(": ", 1) for line in lines) | {"Machines": machines}


def _compared(study: Study, settings: SelectionSettings) -> Comparison:
    """The candidates of the study; one comparison answers every threshold and confidence."""
    condition = settings.condition or default_condition(study)
    return _comparison(study, SelectionSettings(axis=settings.axis, any_lr=settings.any_lr, condition=condition))


@st.cache_resource(max_entries=16, show_spinner="Comparing the candidates episode by episode …", hash_funcs=BY_FILES)
def _comparison(study: Study, settings: SelectionSettings) -> Comparison:
    return compare_study(study, settings)


def best_speed_ups(study: Study, settings: SelectionSettings) -> pd.DataFrame:
    """The best speed-up at every threshold from 0 to 5 points, as `selection.budget_curve` gives it."""
    return _best_speed_ups(study, replace(settings, threshold=0.0))  # one curve, whatever the present threshold


@st.cache_resource(max_entries=16, show_spinner="Asking every threshold …", hash_funcs=BY_FILES)
def _best_speed_ups(study: Study, settings: SelectionSettings) -> pd.DataFrame:
    return budget_curve(_compared(study, settings), THRESHOLDS, settings.confidence, settings.memory)


def first_steps(study: Study, settings: SelectionSettings) -> list[PatternGain]:
    """For every step count up to the reference's: the full pattern against the best other one, on test classes."""
    return _first_steps(study, settings.confidence, settings.any_lr)


@st.cache_resource(max_entries=16, show_spinner="Comparing the first steps …", hash_funcs=BY_FILES)
def _first_steps(study: Study, confidence: float, any_lr: bool) -> list[PatternGain]:
    val, test, config = study.scores("val"), study.scores("test"), study.config
    return [
        best_gain_at(val, test, confidence, steps=steps, any_lr=any_lr, lr=config.lr)
        for steps in range(1, config.steps + 1)
    ]


def paired_differences(study: Study, row: pd.Series, split: str) -> NDArray[Any]:
    """(episodes,) points that a candidate lies below the full pattern. row: of `Choice.verdicts`. split: its name."""
    full, scores = str(LambdaPattern.full(len(study.layers))), study.scores(split)
    reference = scores.row(Candidate(full, study.reference_steps, study.config.lr))
    candidate = scores.row(Candidate(row["pattern"], int(row["steps"]), row["lr"]))
    differences: NDArray[Any] = 100 * (reference - candidate)
    return differences


def find_candidate(table: pd.DataFrame, pattern: LambdaPattern, steps: int, lr: float) -> pd.Series | None:
    """The candidate's row in `Choice.verdicts`; None if it was not measured.

    Zero steps are no adaptation, whatever the pattern.
    """
    idle = steps == 0 or not pattern.updates_anything
    text = "0" * pattern.layers if idle else str(pattern.first(steps))
    asked = (table["pattern"] == text) & (table["steps"] == (0 if idle else steps))
    found = table[asked & (idle | same_step_size(table["lr"], lr))]
    return None if found.empty else found.iloc[0]
