"""Does a pattern chosen on one study hold on another? Chosen on the source, judged on the target, over all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from lambda_core.analysis.study_choice import choose, default_condition
from lambda_core.errors import SelectionError
from lambda_core.formatting import times, with_interval
from lambda_core.patterns import full_like
from lambda_core.selection import (
    Axis,
    Choice,
    Confirmation,
    Interval,
    SelectionSettings,
    candidate_costs,
    confirm,
    rows_under,
    speed_ups_by,
)
from lambda_core.studies import Study

SPLITS = ("val", "test")
ON_TARGET = ["split", "verdict", "degradation", "degradation_low", "degradation_high", "episodes"]
COLUMNS = ["chosen_on", "judged_on", "pattern", "steps", "lr_scale", "speed_up_there", "speed_up_here", *ON_TARGET]


def transfer_table(studies: Sequence[Study], settings: SelectionSettings) -> pd.DataFrame:
    """One row a pair of studies with the same layer names and a split (val, test); a study is paired with itself too.

    chosen_on, judged_on, pattern, steps, lr_scale (multiple of a study's own step size), speed_up_there and
    speed_up_here (each by its own times), split, verdict (pass | fail | undecided, or `not measured` there),
    degradation with its paired interval (points), episodes. A verdict is one look at one candidate, so uncorrected;
    a study's own validation classes are those it was chosen on, and prove nothing.
    Raises StudyError for a study that is not measured.
    """
    choices = {study.name: choose(study, settings)[0] for study in studies}
    rows = [
        _row(choices[source.name], source, target, split, settings.axis)
        for source in studies
        for target in studies
        if source.layers == target.layers
        for split in SPLITS
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def transfer_choice(choice: Choice, study: Study) -> Choice:
    """The choice taken to another study: pattern, step count and multiple of the step size travel.

    What was measured stays that of the study it comes from.
    """
    lr = study.config.lr * choice.lr / choice.reference_lr
    reference = replace(choice.reference, steps=study.reference_steps, lr=study.config.lr)
    return replace(choice, candidate=replace(choice.candidate, lr=lr), reference=reference)


def judge_transfer(choice: Choice, study: Study, split: str = "test") -> Confirmation | None:
    """How a choice made elsewhere does on this study's classes (val or test); None where this study cannot say."""
    if len(full_like(choice.pattern)) != len(study.layers) or study.accuracies is None:
        return None
    try:
        return confirm(transfer_choice(choice, study), study.scores(split))
    except SelectionError:  # more steps or another step size than were measured here
        return None


def transfer_text(table: pd.DataFrame) -> str:
    """`transfer_table` for a terminal: one line a pair, validation and test classes side by side."""
    keys = ["chosen_on", "judged_on", "pattern", "steps", "speed_up_there", "speed_up_here"]
    cells = table.assign(cell=[_cell(row) for _, row in table.iterrows()])
    wide = cells.set_index([*keys, "split"])["cell"].unstack("split").reset_index()[[*keys, *SPLITS]]
    formats = {"speed_up_there": times, "speed_up_here": lambda value: "–" if np.isnan(value) else times(value)}
    return str(wide.to_string(index=False, formatters=formats))


def _row(choice: Choice, source: Study, target: Study, split: str, axis: Axis) -> dict[str, object]:
    confirmation = judge_transfer(choice, target, split)
    degradation = confirmation.degradation if confirmation else Interval(np.nan, np.nan, np.nan)
    return {
        "chosen_on": source.name,
        "judged_on": target.name,
        "pattern": choice.pattern,
        "steps": choice.steps,
        "lr_scale": float(f"{choice.lr / choice.reference_lr:.4g}"),
        "speed_up_there": choice.speed_up,
        "speed_up_here": _speed_up(transfer_choice(choice, target), target, axis),
        "split": split,
        "verdict": confirmation.verdict if confirmation else "not measured",
        **degradation.as_dict("degradation"),
        "episodes": confirmation.episodes if confirmation else 0,
    }


def _speed_up(choice: Choice, study: Study, axis: Axis) -> float:
    """By this study's own times; NaN where the candidate was not timed there."""
    pair = pd.DataFrame([vars(choice.reference), vars(choice.candidate)])
    try:
        timing = rows_under(study.times(), default_condition(study))
        return float(speed_ups_by(axis, pair, timing, candidate_costs(pair, timing), 0).estimate[1])
    except SelectionError:
        return float("nan")


def _cell(row: pd.Series) -> str:
    if row["verdict"] == "not measured":
        return "not measured"
    return f"{row['verdict']}: {with_interval(row['degradation'], row['degradation_low'], row['degradation_high'])}"
