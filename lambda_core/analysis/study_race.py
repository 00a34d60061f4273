"""A race on a study: its candidates as entrants, its tables replayed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lambda_core.analysis.study_choice import compare_study, default_condition
from lambda_core.errors import StudyError
from lambda_core.patterns import LambdaPattern, count_cost
from lambda_core.selection import (
    Axis,
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
    race,
    replay,
    rows_under,
    speed_ups_by,
)
from lambda_core.studies import Study


def race_tables(study: Study, settings: SelectionSettings) -> tuple[Race, Confirmation, ExhaustiveChoice]:
    """Replay a race on a study's tables: the race, what test classes say, and the exhaustive choice beside it.

    Raises StudyError for a study that is not measured, SelectionError where its tables cannot answer.
    """
    comparison = compare_study(study, settings)
    val, test = study.split("val"), study.split("test")
    runner = replay(val)
    entrants = Entrants.of(comparison.candidates, comparison.speed_ups.estimate, comparison.reference, settings.axis)
    result = race(entrants, runner, comparison.degradation.episodes, settings.threshold, settings.confidence)
    confirmation = confirm_race(result, replay(test), int(test["episode"].nunique()))
    return result, confirmation, against_exhaustive(result, comparison, runner)


def study_entrants(study: Study, axis: Axis = "milliseconds") -> Entrants:
    """A study's timed candidates at its own step size, to race on live episodes; untimed ones by multiply-adds.

    Raises StudyError for a study that knows no cost by `axis`.
    """
    full = Candidate(str(LambdaPattern.full(len(study.layers))), study.reference_steps, study.config.lr)
    if study.timing is None and (axis == "milliseconds" or study.layer_costs is None):
        raise StudyError(str(study.not_measured))
    if study.timing is None:
        assert study.layer_costs is not None
        candidates = _counted(study.reference_steps, study.layer_costs, study.config.lr)
        reference = candidate_index(candidates, full)
        speed_ups = counted_speed_ups(candidates["multiply_adds"].to_numpy(), reference)
    else:
        timing = rows_under(study.timing, default_condition(study))
        candidates = _timed(timing, study.config.lr)
        reference = candidate_index(candidates, full)
        speed_ups = speed_ups_by(axis, candidates, timing, candidate_costs(candidates, timing), reference)
    return Entrants.of(candidates, speed_ups.estimate, reference, axis)


def _timed(timing: pd.DataFrame, lr: float) -> pd.DataFrame:
    """Every pattern and step count that was timed."""
    pairs = timing[["pattern", "steps"]].drop_duplicates().astype({"pattern": "str", "steps": int})
    return pairs.reset_index(drop=True).assign(lr=lr)


def _counted(steps: int, costs: Sequence[int], lr: float) -> pd.DataFrame:
    """Every per-layer pattern at 1 … `steps` steps, and no adaptation, with its multiply-adds."""
    patterns = LambdaPattern.enumerate(len(costs))
    pairs = [(patterns[0], 0), *((pattern, count) for pattern in patterns[1:] for count in range(1, steps + 1))]
    rows = [(str(pattern), count, lr, count_cost(pattern, count, costs)) for pattern, count in pairs]
    return pd.DataFrame(rows, columns=["pattern", "steps", "lr", "multiply_adds"])
