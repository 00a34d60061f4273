"""A race on a study: its candidates as entrants, its tables replayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from lambda_core.errors import StudyError
from lambda_core.patterns import LambdaPattern, count_cost
from lambda_core.selection import (
    Axis,
    Confirmation,
    Entrants,
    Race,
    against_exhaustive,
    candidate_costs,
    candidate_index,
    compare_candidates,
    confirm_race,
    race,
    replay,
    rows_under,
    timing_conditions,
)
from lambda_core.studies import Study


def race_tables(
    study: Study, threshold: float, confidence: float = 0.95, *, axis: Axis = "milliseconds", any_lr: bool = False
) -> tuple[Race, Confirmation, dict[str, Any]]:
    """Replay a race on a study's tables: the race, what test classes say, and the exhaustive choice beside it."""
    if study.accuracy is None or study.timing is None:
        raise StudyError(f"{study.name} is not measured yet: lambda-core sweep and lambda-core time make its tables")
    split, own = study.accuracy["split"], study.config.lr
    val, test = study.accuracy[split == "val"], study.accuracy[split == "test"]
    timing = rows_under(study.timing, timing_conditions(study.timing)[0])
    comparison = compare_candidates(val, timing, study.config.steps, any_lr=any_lr, axis=axis, lr=own)
    runner = replay(val)
    entrants = Entrants.of(comparison.candidates, axis, comparison.reference)
    result = race(entrants, runner, comparison.degradation.episodes, threshold, confidence)
    seen = confirm_race(result, replay(test), int(test["episode"].nunique()))
    return result, seen, against_exhaustive(result, comparison, runner)


def study_entrants(study: Study, axis: Axis = "milliseconds") -> Entrants:
    """A study's timed candidates at its own step size, to race on live episodes; untimed ones by multiply-adds."""
    layers, own = len(study.layers), study.config.lr
    if study.timing is not None:
        timing = rows_under(study.timing, timing_conditions(study.timing)[0])
        places = timing[["pattern", "steps"]].drop_duplicates().astype({"pattern": "str", "steps": int})
        candidates = places.reset_index(drop=True).assign(lr=own)
        candidates = candidates.assign(**candidate_costs(candidates, timing))
    elif axis == "multiply_adds" and study.layer_costs is not None:
        candidates = _counted(layers, study.config.steps, study.layer_costs).assign(lr=own)
    else:
        raise StudyError(f"{study.name} has no times yet; make them with: lambda-core time {study.folder}")
    return Entrants.of(candidates, axis, candidate_index(candidates, "1" * layers, study.config.steps, own))


def _counted(layers: int, steps: int, costs: Sequence[int]) -> pd.DataFrame:
    """Every per-layer pattern at 1 … `steps` steps, and no adaptation, with its multiply-adds."""
    patterns = LambdaPattern.enumerate(layers)
    places = [(patterns[0], 0), *((pattern, count) for pattern in patterns[1:] for count in range(1, steps + 1))]
    rows = [(str(pattern), count, count_cost(pattern, count, costs)) for pattern, count in places]
    return pd.DataFrame(rows, columns=["pattern", "steps", "multiply_adds"])
