"""A race on a study: its candidates as entrants, its tables replayed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lambda_core.analysis.study_choice import compare_study, default_condition
from lambda_core.errors import StudyError
from lambda_core.patterns import LambdaPattern, count_cost
from lambda_core.selection import (
    Candidate,
    Confirmation,
    Entrants,
    ExhaustiveChoice,
    Race,
    SelectionSettings,
    against_exhaustive,
    candidate_costs,
    candidate_index,
    confirm_race,
    counted_speed_ups,
    fitting,
    race,
    replay,
    rows_under,
    same_step_size,
    speed_ups_by,
)
from lambda_core.studies import Study

SCALES = (0.5, 1.0, 2.0, 4.0)  # of the study's step size, that race where no others were swept


def race_tables(study: Study, settings: SelectionSettings) -> tuple[Race, Confirmation, ExhaustiveChoice]:
    """Replay a race on a study's tables: the race, what test classes say, and the exhaustive choice beside it.

    Raises StudyError for a study that is not measured, SelectionError where its tables cannot answer.
    """
    comparison = compare_study(study, settings)
    val, test = study.scores("val"), study.scores("test")
    runner = replay(val)
    entrants = Entrants.of(
        comparison.candidates,
        comparison.speed_ups.estimate,
        comparison.reference,
        settings.axis,
        comparison.fits(settings.memory),
    )
    result = race(entrants, runner, comparison.degradation.episodes, settings.threshold, settings.confidence)
    confirmation = confirm_race(result, replay(test), len(test.episodes))
    return result, confirmation, against_exhaustive(result, comparison, runner, settings.memory)


def study_entrants(study: Study, settings: SelectionSettings) -> Entrants:
    """A study's timed candidates, to race on live episodes; untimed ones by multiply-adds.

    settings: axis, any_lr (step sizes that were swept, else multiples of the study's own: SCALES) and memory count.
    Raises StudyError for a study that knows no cost by the axis, SelectionError where its memory was not counted.
    """
    full = Candidate(str(LambdaPattern.full(len(study.layers))), study.reference_steps, study.config.lr)
    if study.timing is None and (settings.axis == "milliseconds" or study.layer_costs is None):
        raise StudyError(str(study.not_measured))
    if study.timing is None:
        assert study.layer_costs is not None
        candidates = _at_step_sizes(_counted(study.reference_steps, study.layer_costs), study, settings)
        reference = candidate_index(candidates, full)
        speed_ups = counted_speed_ups(candidates["multiply_adds"].to_numpy(), reference)
        candidates["peak_bytes"] = np.nan
    else:
        timing = rows_under(study.timing, default_condition(study))
        candidates = _at_step_sizes(_timed(timing), study, settings)
        reference, costs = candidate_index(candidates, full), candidate_costs(candidates, timing)
        speed_ups = speed_ups_by(settings.axis, candidates, timing, costs, reference)
        candidates["peak_bytes"] = costs["peak_bytes"]
    return Entrants.of(candidates, speed_ups.estimate, reference, settings.axis, fitting(candidates, settings.memory))


def _timed(timing: pd.DataFrame) -> pd.DataFrame:
    """Every pattern and step count that was timed."""
    pairs = timing[["pattern", "steps"]].drop_duplicates().astype({"pattern": "str", "steps": int})
    return pairs.reset_index(drop=True)


def _counted(steps: int, costs: Sequence[int]) -> pd.DataFrame:
    """Every per-layer pattern at 1 … `steps` steps, and no adaptation, with its multiply-adds."""
    patterns = LambdaPattern.enumerate(len(costs))
    pairs = [(patterns[0], 0), *((pattern, count) for pattern in patterns[1:] for count in range(1, steps + 1))]
    rows = [(str(pattern), count, count_cost(pattern, count, costs)) for pattern, count in pairs]
    return pd.DataFrame(rows, columns=["pattern", "steps", "multiply_adds"])


def _at_step_sizes(pairs: pd.DataFrame, study: Study, settings: SelectionSettings) -> pd.DataFrame:
    """Each pattern and step count at the step sizes that race; no adaptation has only the study's own."""
    own = study.config.lr
    others = [each for each in _step_sizes(study) if not same_step_size(each, own)] if settings.any_lr else []
    adapting = pairs[pairs["steps"] > 0]
    return pd.concat([pairs.assign(lr=own), *(adapting.assign(lr=each) for each in others)], ignore_index=True)


def _step_sizes(study: Study) -> list[float]:
    swept = [] if study.accuracies is None else study.step_sizes
    return swept if len(swept) > 1 else [study.config.lr * scale for scale in SCALES]
