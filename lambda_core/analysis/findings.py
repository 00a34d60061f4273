"""Everything that a measured study says, asked once: choices, confirmations, gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lambda_core.analysis.study_choice import compare_study, default_condition, study_best_gain, study_gain
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import (
    Candidate,
    Choice,
    Confirmation,
    Interval,
    PatternGain,
    SelectionSettings,
    TimingCondition,
    confirm,
    mean_accuracy,
)
from lambda_core.studies import Study

THRESHOLDS = (0.5, 1.0, 2.0)  # points
MINIMAL_DEGRADATION = 1.0  # points; what the paper's "minimal" is taken for


@dataclass(frozen=True, eq=False)
class Findings:
    """What one study shows.

    full: accuracy of the full pattern on test classes, 0 to 1, with its 95 % interval.
    choices: by threshold (points), selected on validation and confirmed on test classes. own_steps: the choice within
    MINIMAL_DEGRADATION among candidates with the reference's number of steps, likewise.
    one_step: the best other pattern after one step. better: the pattern that beats full by most, where one is shown to.
    condition: of the times.
    """

    study: Study
    full: Interval
    choices: dict[float, tuple[Choice, Confirmation]]
    own_steps: tuple[Choice, Confirmation]
    one_step: PatternGain
    better: PatternGain | None
    condition: TimingCondition


def ask_study(study: Study, thresholds: Sequence[float] = THRESHOLDS) -> Findings:
    """Ask a measured study everything that the report says. Raises LambdaError where its tables cannot answer."""
    settings, test = SelectionSettings(), study.scores("test")
    comparison = compare_study(study, settings)
    choices = [comparison.choose(threshold) for threshold in sorted({*map(float, thresholds), MINIMAL_DEGRADATION})]
    own = comparison.choose(MINIMAL_DEGRADATION, steps=study.reference_steps)
    return Findings(
        study=study,
        full=full_accuracy(study),
        choices={choice.threshold: (choice, confirm(choice, test)) for choice in choices},
        own_steps=(own, confirm(own, test)),
        one_step=study_gain(study, settings),
        better=study_best_gain(study, settings),
        condition=default_condition(study),
    )


def full_accuracy(study: Study) -> Interval:
    """Of the full pattern at the study's own step count, on test classes: 0 to 1, with its 95 % interval."""
    full = Candidate(str(LambdaPattern.full(len(study.layers))), study.reference_steps, study.config.lr)
    return mean_accuracy(study.scores("test").row(full))
