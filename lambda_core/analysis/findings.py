"""Everything that a measured study says, asked once: choices, confirmations, gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambda_core.analysis.claims import MINIMAL_LOSS
from lambda_core.errors import StudyError
from lambda_core.selection import (
    Choice,
    Confirmation,
    PatternGain,
    best_gain,
    best_gain_at,
    candidate_index,
    compare_candidates,
    confirm,
    episode_matrix,
    half_width_of_mean,
    rows_under,
    timing_conditions,
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
    condition: dict[str, Any]  # of the times


def findings(study: Study, thresholds: Sequence[float] = THRESHOLDS) -> Findings:
    """Ask a measured study everything that the report tells. Raises LambdaError where its tables cannot answer."""
    if study.config.ways == 1:
        raise StudyError(f"{study.name} is a regression: it has no accuracies to report")
    if study.accuracy is None or study.timing is None:
        raise StudyError(f"{study.name} is not measured yet; run lambda-core sweep and lambda-core time on it")
    val, test = (study.accuracy[study.accuracy["split"] == split] for split in ("val", "test"))
    condition, own = timing_conditions(study.timing)[0], study.config.lr
    comparison = compare_candidates(val, rows_under(study.timing, condition), study.config.steps, lr=own)
    choices = {float(threshold): comparison.choose(threshold) for threshold in {*thresholds, MINIMAL_LOSS}}
    candidates, matrix = episode_matrix(test)
    full = matrix[[candidate_index(candidates, "1" * len(study.layers), study.config.steps, own)]]
    return Findings(
        study=study,
        full=float(full.mean()),
        full_half=float(half_width_of_mean(full)[0]),
        choices={threshold: (choices[threshold], confirm(choices[threshold], test)) for threshold in sorted(choices)},
        one_step=best_gain_at(val, test, lr=own),
        better=best_gain(val, test, lr=own),
        condition=condition,
    )
