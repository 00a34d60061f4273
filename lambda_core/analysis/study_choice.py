"""The one path from a study to a choice: selected on validation classes, confirmed once on test classes.

Likewise for patterns that beat the full one: picked on validation classes, reported on test classes.

Command line, report, race, transfer and app all ask here.
"""

from __future__ import annotations

from collections.abc import Iterable

from lambda_core.errors import LambdaError
from lambda_core.selection import (
    Choice,
    Comparison,
    Confirmation,
    PatternGain,
    SelectionSettings,
    TimingCondition,
    best_gain,
    best_gain_at,
    compare_candidates,
    confirm,
    rows_under,
    timing_conditions,
    was_timed,
)
from lambda_core.studies import Study


def choose(study: Study, settings: SelectionSettings) -> tuple[Choice, Confirmation]:
    """The fastest pattern within settings.threshold points, and what the test classes say of it.

    Raises StudyError for a study that is not measured, SelectionError where its tables cannot answer.
    """
    choice = compare_study(study, settings).choose(settings.threshold, settings.confidence, settings.memory)
    return choice, confirm(choice, study.scores("test"))


def compare_study(study: Study, settings: SelectionSettings) -> Comparison:
    """Every candidate of the study paired with its reference, on validation classes, by times of one condition; on a
    device that timed exported graphs, every one that was taken there.

    It can be asked for any threshold and confidence. Raises StudyError and SelectionError.
    """
    condition = settings.condition or default_condition(study)
    val, timing = study.scores("val"), rows_under(study.times(), condition)
    return compare_candidates(
        val.of(was_timed(val.candidates, timing)) if condition.is_exported else val,
        timing,
        study.reference_steps,
        any_lr=settings.any_lr,
        axis=settings.axis,
        lr=study.config.lr,
    )


def answerable(studies: Iterable[Study], settings: SelectionSettings) -> tuple[list[Study], list[str]]:
    """The studies that a choice can be made on, and a sentence on each of the others: one never hides the rest."""
    good, notes = [], []
    for study in studies:
        try:
            choose(study, settings)
            good.append(study)
        except LambdaError as error:
            notes.append(f"{study.name} is left out: {error}")
    return good, notes


def study_gain(study: Study, settings: SelectionSettings, *, steps: int = 1) -> PatternGain:
    """The best pattern other than full after `steps` steps, picked on validation classes, reported on test classes.

    settings: confidence and any_lr count. Raises StudyError where there are no accuracies, SelectionError.
    """
    val, test = study.scores("val"), study.scores("test")
    return best_gain_at(val, test, settings.confidence, steps=steps, any_lr=settings.any_lr, lr=study.config.lr)


def study_best_gain(study: Study, settings: SelectionSettings) -> PatternGain | None:
    """The pattern that beats the full one by most at any step count; None if none is shown to. As `study_gain`."""
    val, test = study.scores("val"), study.scores("test")
    return best_gain(val, test, settings.confidence, any_lr=settings.any_lr, lr=study.config.lr)


def default_condition(study: Study) -> TimingCondition:
    """The device and threads that the study was timed under most. Raises StudyError where it was not timed."""
    return timing_conditions(study.times())[0]
