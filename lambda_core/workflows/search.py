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
from lambda_core.measurement import SWEPT_SPLITS, WHOLE, CachedRunner, LiveRunner, Part
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
    part: Part = WHOLE,
) -> Runner:
    """A runner of this study's model on `split` (val or test).

    seed: of the bank; None: that of the sweep's, so that a race sees what the sweep saw. root: of the data sets.
    processes: of one thread each, where many episodes are asked for; None: one a core. part: as of `CachedRunner`.
    Finished parts lie in <study>/checkpoint/candidates and are not run again. Raises StudyError, DataError.
    """
    runner, identity = _runner(study, split, seed, root, report)
    given = (str(study.folder), study.code, split, seed, root)
    return CachedRunner(runner, _kept_in(study), identity, LiveWorker, given, processes, report, part)


def _kept_in(study: Study) -> Path:
    return study.folder / "checkpoint" / "candidates"


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
    """The same runner in a worker process, which keeps what it finds: called with (candidates, episodes)."""

    def __init__(self, folder: str, code: str, split: str, seed: int | None, root: str | None) -> None:
        study = Study.load(Path(folder)).with_code(code)
        runner, identity = _runner(study, split, seed, root)
        self.runner = CachedRunner(runner, _kept_in(study), identity)

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
    part: Part = WHOLE,
) -> tuple[Race, Confirmation]:
    """Race a study's timed candidates on live validation episodes, and look at the winner once on test classes.

    episodes: the most that a candidate sees. processes, part: as of `live_runner`. Raises LambdaError.
    """
    prepare(threads=1)
    study = own_copy(study)
    runner = live_runner(study, "val", root=root, processes=processes, report=report, part=part)
    result = race(study_entrants(study, settings), runner, episodes, settings.threshold, settings.confidence)
    unseen = live_runner(study, "test", root=root, processes=processes, report=report, part=part)
    return result, confirm_race(result, unseen, episodes)


def search_study(
    study: Study,
    config: SearchConfig,
    *,
    root: str | None = None,
    processes: int | None = 1,
    command: str = "",
    report: Report | None = None,
    part: Part = WHOLE,
) -> tuple[Study, SearchResult]:
    """Search step × layer patterns of up to the study's reference steps and write search.parquet; resumes by itself.

    Returns the study with its new table, and what the search saw. command: noted in study.json.
    processes, part: as of `live_runner`; the first part alone writes. Raises LambdaError.
    """
    study = own_copy(study)
    lock = ".search.lock" if part.number == 1 else f".search-{part.number}-of-{part.of}.lock"
    with locked(study.folder / lock, f"{study.name} is being searched"):
        result, table = search_live(study, config, root=root, processes=processes, report=report, part=part)
        if part.number > 1:
            return study, result
        return note(study, "search", config.to_dict(), command, search=table), result


def search_live(
    study: Study,
    config: SearchConfig,
    *,
    root: str | None = None,
    processes: int | None = 1,
    report: Report | None = None,
    part: Part = WHOLE,
) -> tuple[SearchResult, pd.DataFrame]:
    """What a search saw on validation episodes, and the verdicts of fresh episodes of val and test: `judge_search`."""
    prepare(threads=1)
    if study.layer_costs is None:
        raise StudyError(f"{study.name} does not say what its layers cost; train it again to search by cost")
    lr, steps = study.config.lr, study.config.steps
    options: dict[str, Any] = {"root": root, "processes": processes, "report": report, "part": part}
    runner = live_runner(study, "val", seed=config.seed, **options)
    result = search(runner, steps, lr, study.layer_costs, config)
    tuned = tune(result, runner, lr, config) if config.layer_factors else []
    tables = []
    for split in SWEPT_SPLITS:
        fresh = live_runner(study, split, seed=config.seed + 1, **options)
        tables.append(judge_search(result, fresh, steps, lr, config, tuned).assign(split=split))
    return result, pd.concat(tables, ignore_index=True)
