"""A race on a study: its candidates as entrants, its tables replayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from lambda_core.analysis.study_choice import compare_study, default_condition
from lambda_core.errors import StudyError
from lambda_core.patterns import LambdaPattern, count_cost
from lambda_core.selection import (
    Axis,
    Confirmation,
    Entrants,
    Race,
    SelectionSettings,
    against_exhaustive,
    candidate_costs,
    candidate_index,
    confirm_race,
    race,
    replay,
    rows_under,
)
from lambda_core.studies import Study


def race_tables(study: Study, settings: SelectionSettings) -> tuple[Race, Confirmation, dict[str, Any]]:
    """Replay a race on a study's tables: the race, what test classes say, and the exhaustive choice beside it."""
    comparison = compare_study(study, settings)
    val, test = study.split("val"), study.split("test")
    runner = replay(val)
    entrants = Entrants.of(comparison.candidates, settings.axis, comparison.reference)
    result = race(entrants, runner, comparison.degradation.episodes, settings.threshold, settings.confidence)
    seen = confirm_race(result, replay(test), int(test["episode"].nunique()))
    return result, seen, against_exhaustive(result, comparison, runner)


def study_entrants(study: Study, axis: Axis = "milliseconds") -> Entrants:
    """A study's timed candidates at its own step size, to race on live episodes; untimed ones by multiply-adds."""
    layers, own = len(study.layers), study.config.lr
    if study.timing is not None:
        timing = rows_under(study.timing, default_condition(study))
        places = timing[["pattern", "steps"]].drop_duplicates().astype({"pattern": "str", "steps": int})
        candidates = places.reset_index(drop=True).assign(lr=own)
        candidates = candidates.assign(**candidate_costs(candidates, timing))
    elif axis == "multiply_adds" and study.layer_costs is not None:
        candidates = _counted(layers, study.config.steps, study.layer_costs).assign(lr=own)
    else:
        raise StudyError(str(study.not_measured))
    return Entrants.of(
        candidates, axis, candidate_index(candidates, str(LambdaPattern.full(layers)), study.config.steps, own)
    )


def _counted(layers: int, steps: int, costs: Sequence[int]) -> pd.DataFrame:
    """Every per-layer pattern at 1 … `steps` steps, and no adaptation, with its multiply-adds."""
    patterns = LambdaPattern.enumerate(layers)
    places = [(patterns[0], 0), *((pattern, count) for pattern in patterns[1:] for count in range(1, steps + 1))]
    rows = [(str(pattern), count, count_cost(pattern, count, costs)) for pattern, count in places]
    return pd.DataFrame(rows, columns=["pattern", "steps", "multiply_adds"])
