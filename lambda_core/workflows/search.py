"""Races and searches on live episodes of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lambda_core.analysis import study_entrants
from lambda_core.backbones import Backbone
from lambda_core.config import SearchConfig, SweepConfig
from lambda_core.errors import StudyError
from lambda_core.measurement import SWEPT_SPLITS, CachedRunner, LiveRunner
from lambda_core.selection import (
    Candidate,
    Confirmation,
    Floats,
    Race,
    Runner,
    SearchResult,
    SelectionSettings,
    confirm_race,
    judge_search,
    race,
    search,
    tune,
)
from lambda_core.studies import Study, own_copy
from lambda_core.system import Report, locked, prepare
from lambda_core.workflows.measure import measurable, note


def live_runner(
    study: Study,
    split: str,
    *,
    seed: int | None = None,
    root: str | None = None,
    processes: int | None = 1,
    report: Report | None = None,
) -> Runner:
    """A runner of this study's model on `split` (val or test).

    seed: of the bank; None: that of the sweep's, so that a race sees what the sweep saw. root: of the data sets.
    processes: of one thread each, where many episodes are asked for; None: one a core.
    Finished parts lie in <study>/checkpoint/candidates and are not run again. Raises StudyError, DataError.
    """
    runner, identity = _runner(study, split, seed, root, report)
    given = (str(study.folder), study.code, split, seed, root)
    return CachedRunner(
        runner, study.folder / "checkpoint" / "candidates", identity, LiveWorker, given, processes, report
    )


def _runner(
    study: Study, split: str, seed: int | None, root: str | None, report: Report | None = None
) -> tuple[LiveRunner, str]:
    """The runner, and a text of all that decides what it finds of a candidate."""
    source, fingerprint = measurable(study, root)
    config = study.sweep_config or SweepConfig()
    seed = config.seed if seed is None else seed
    bank = source.bank(study.config, split, queries=config.queries, seed=seed)
    runner = LiveRunner(Backbone.of(study.model()), bank, study.config.lr, config.query_statistics, report)
    return runner, f"{fingerprint} {split} {config.queries} {seed} {config.query_statistics}"


class LiveWorker:
    """The same runner in a worker process: called with (candidates, episodes)."""

    def __init__(self, folder: str, code: str, split: str, seed: int | None, root: str | None) -> None:
        self.runner, _ = _runner(Study.load(Path(folder)).with_code(code), split, seed, root)

    def __call__(self, piece: tuple[Sequence[Candidate], range]) -> Floats:
        return self.runner(*piece)


def race_live(
    study: Study,
    settings: SelectionSettings,
    *,
    episodes: int,
    root: str | None = None,
    processes: int | None = 1,
    report: Report | None = None,
) -> tuple[Race, Confirmation]:
    """Race a study's timed candidates on live validation episodes, and look at the winner once on test classes.

    episodes: the most that a candidate sees. processes: as of `live_runner`. Raises LambdaError.
    """
    prepare(threads=1)
    study = own_copy(study)
    runner = live_runner(study, "val", root=root, processes=processes, report=report)
    result = race(study_entrants(study, settings), runner, episodes, settings.threshold, settings.confidence)
    unseen = live_runner(study, "test", root=root, processes=processes, report=report)
    return result, confirm_race(result, unseen, episodes)


def search_study(
    study: Study,
    config: SearchConfig,
    *,
    root: str | None = None,
    processes: int | None = 1,
    command: str = "",
    report: Report | None = None,
) -> tuple[Study, SearchResult]:
    """Search step × layer patterns of up to the study's reference steps and write search.parquet; resumes by itself.

    Returns the study with its new table, and what the search saw. command: noted in study.json.
    processes: as of `live_runner`. Raises LambdaError.
    """
    study = own_copy(study)
    with locked(study.folder / ".search.lock", f"{study.name} is being searched"):
        result, table = search_live(study, config, root=root, processes=processes, report=report)
        return note(study, "search", config.to_dict(), command, search=table), result


def search_live(
    study: Study,
    config: SearchConfig,
    *,
    root: str | None = None,
    processes: int | None = 1,
    report: Report | None = None,
) -> tuple[SearchResult, pd.DataFrame]:
    """What a search saw on validation episodes, and the verdicts of fresh episodes of val and test: `judge_search`."""
    prepare(threads=1)
    if study.layer_costs is None:
        raise StudyError(f"{study.name} does not say what its layers cost; train it again to search by cost")
    lr, steps = study.config.lr, study.config.steps
    options: dict[str, Any] = {"root": root, "processes": processes, "report": report}
    runner = live_runner(study, "val", seed=config.seed, **options)
    result = search(runner, steps, lr, study.layer_costs, config)
    tuned = tune(result, runner, lr, config) if config.layer_factors else []
    tables = []
    for split in SWEPT_SPLITS:
        fresh = live_runner(study, split, seed=config.seed + 1, **options)
        tables.append(judge_search(result, fresh, steps, lr, config, tuned).assign(split=split))
    return result, pd.concat(tables, ignore_index=True)
