"""On which machines a choice holds: what passes does not depend on the machine, what is fastest does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lambda_core.analysis.study_choice import compare_study
from lambda_core.errors import SelectionError
from lambda_core.formatting import times
from lambda_core.selection import Choice, SelectionSettings, TimingCondition, candidate_index, timing_conditions
from lambda_core.studies import Study


@dataclass(frozen=True)
class OnMachine:
    """A choice under one timing condition. speed_up: its own there. instead: what is chosen there; None: the same."""

    condition: TimingCondition
    speed_up: float
    instead: Choice | None

    def as_dict(self) -> dict[str, Any]:
        """Flat and fit for JSON."""
        other = None if self.instead is None else f"{self.instead.pattern} x {self.instead.steps}"
        return {"condition": str(self.condition), "speed_up": self.speed_up, "chosen_there": other}


def on_machines(study: Study, choice: Choice, settings: SelectionSettings) -> list[OnMachine]:
    """The choice on every machine that the study was timed on, most timed first; one that lacks a time is left out.

    Raises StudyError where there are no times.
    """
    found, conditions = [], timing_conditions(study.times())
    if len(conditions) == 1:  # the one that the choice was made under
        return [OnMachine(conditions[0], choice.speed_up, None)]
    for condition in conditions:
        there = replace(settings, condition=condition)
        try:
            chosen = compare_study(study, there).choose(settings.threshold, settings.confidence, settings.memory)
        except SelectionError:
            continue
        table = chosen.verdicts
        speed_up = float(table["speed_up"].iloc[candidate_index(table, choice.candidate)])
        found.append(OnMachine(condition, speed_up, None if chosen.candidate.is_same(choice.candidate) else chosen))
    return found


def describe_machines(found: Sequence[OnMachine]) -> str:
    """On which machines the choice holds, as a sentence."""
    if len(found) == 1:
        return f"Timed on one machine only ({found[0].condition}); lambda-core time on another adds to it."
    held = sum(each.instead is None for each in found)
    parts = [
        f"{each.condition}: {times(each.speed_up)}"
        + (
            ""
            if each.instead is None
            else f", where {each.instead.pattern} x {each.instead.steps} is chosen ({times(each.instead.speed_up)})"
        )
        for each in found
    ]
    return f"The choice of {held} of {len(found)} machines: {'; '.join(parts)}."
