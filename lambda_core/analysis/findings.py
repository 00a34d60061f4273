"""Everything that a measured study says, asked once: choices, confirmations, gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lambda_core.analysis.claims import MINIMAL_LOSS
from lambda_core.analysis.study_choice import compare_study, default_condition
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import (
    Choice,
    Confirmation,
    PatternGain,
    SelectionSettings,
    TimingCondition,
    best_gain,
    best_gain_at,
    candidate_index,
    confirm,
    episode_matrix,
    half_width_of_mean,
)
from lambda_core.studies import Study

THRESHOLDS = (0.5, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Findings:
    """What one study shows. choices: by threshold (points), selected on validation and confirmed on test classes."""

    study: Study
    full: float  # accuracy of the full pattern on test classes, 0 to 1
    full_half: float  # half of its 95 % interval
    choices: dict[float, tuple[Choice, Confirmation]]
    one_step: PatternGain
    better: PatternGain | None
    condition: TimingCondition  # of the times


def findings(study: Study, thresholds: Sequence[float] = THRESHOLDS) -> Findings:
    """Ask a measured study everything that the report tells. Raises LambdaError where its tables cannot answer."""
    own = study.config.lr
    val, test = study.split("val"), study.split("test")
    comparison = compare_study(study, SelectionSettings())
    choices = {float(threshold): comparison.choose(threshold) for threshold in {*thresholds, MINIMAL_LOSS}}
    candidates, matrix = episode_matrix(test)
    full = matrix[[candidate_index(candidates, str(LambdaPattern.full(len(study.layers))), study.config.steps, own)]]
    return Findings(
        study=study,
        full=float(full.mean()),
        full_half=float(half_width_of_mean(full)[0]),
        choices={threshold: (choices[threshold], confirm(choices[threshold], test)) for threshold in sorted(choices)},
        one_step=best_gain_at(val, test, lr=own),
        better=best_gain(val, test, lr=own),
        condition=default_condition(study),
    )
