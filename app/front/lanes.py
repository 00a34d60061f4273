"""The two lanes of the front page: all layers, and the chosen pattern or the one that a visitor makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from app.front import race, recorded
from app.front.recorded import Lane
from app.shared import pattern_editor, selection_cache, selection_controls, study_bar, study_cache
from lambda_core.formatting import interval, number, points, times
from lambda_core.patterns import LambdaPattern, describe_pattern
from lambda_core.selection import Choice
from lambda_core.studies import Study

VERDICTS = {"pass": "shown to lose at most {}", "undecided": "not decided at {}", "fail": "shown to lose more than {}"}


def show(study: Study) -> None:
    """The race of a study; what it still lacks where it is not measured."""
    if not study.measured:
        study_bar.show_not_measured(study)
        return
    asked = replace(selection_controls.settings_for(study), axis="milliseconds", any_lr=False, memory=None)
    choice, _ = selection_cache.choose(study, asked)
    full = LambdaPattern.full(len(study.layers))
    pattern, steps = _second(study, choice)
    costs = study.layer_costs or [1] * len(study.layers)
    race.show(
        study.layers,
        costs,
        _queries(study),
        [
            (_of_all_layers(study), _lane(study, choice, full, study.reference_steps, costs)),
            (_of_pattern(study, choice, pattern, steps), _lane(study, choice, pattern, steps, costs)),
        ],
    )
    st.caption(_conditions(study))


def _second(study: Study, choice: Choice) -> tuple[LambdaPattern, int]:
    """The pattern and steps of the second lane. Where nothing faster passes, the head alone: a race needs two."""
    usual = "0" * (len(study.layers) - 1) + "1" if choice.is_reference else choice.pattern
    pattern = pattern_editor.pattern_of("pattern", study.layers, usual)
    return pattern, pattern_editor.steps_of(choice.steps or study.reference_steps, int(choice.verdicts["steps"].max()))


def _lane(study: Study, choice: Choice, pattern: LambdaPattern, steps: int, costs: list[int]) -> Lane | None:
    return recorded.record(study.scores("test"), choice.verdicts, pattern, steps, study.config.lr, costs)


def _queries(study: Study) -> int:
    sweep = study.sweep_config
    return study.config.ways * (sweep.queries if sweep else 15)


def _of_all_layers(study: Study) -> dict[str, Any]:
    full = "1" * len(study.layers)
    return {"title": f"All layers (MAML), {_steps(study.reference_steps)}", "note": "", "pattern": full}


def _of_pattern(study: Study, choice: Choice, pattern: LambdaPattern, steps: int) -> dict[str, Any]:
    words = describe_pattern(str(pattern), study.layers)
    row = selection_cache.find_candidate(choice.verdicts, pattern, steps, study.config.lr)
    own = str(pattern) == choice.pattern and steps == choice.steps
    return {
        "title": f"{words[:1].upper()}{words[1:]}, {_steps(steps)}",
        "note": "" if row is None else _note(row, choice),
        "pattern": str(pattern.first(1)),
        "chosen": "" if own or choice.is_reference else choice.pattern,
    }


def _note(row: pd.Series, choice: Choice) -> str:
    said = VERDICTS[row["verdict"]].format(points(choice.threshold))
    lost = f"{number(row['degradation'])} points lost ({interval(row['degradation_low'], row['degradation_high'])})"
    return f"{times(row['speed_up'])} faster, {lost}: {said}"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _conditions(study: Study) -> str:
    timing = study_cache.describe_condition(selection_controls.condition_for(study))
    rounds = study.timing_config.repeats if study.timing_config else "?"
    return (
        "One episode of unseen classes: of its query images, a tile each, as many are filled as are recognised after "
        "the step. A column is as wide as its layer costs: click one to freeze or to update it. "
        f"Times: medians of {rounds} rounds on {timing}."
    )
