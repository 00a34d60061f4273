"""Races and searches on live episodes of a study."""

from __future__ import annotations

import pandas as pd

from lambda_core.analysis import study_entrants
from lambda_core.backbones import Backbone
from lambda_core.config import SearchConfig, SweepConfig
from lambda_core.errors import StudyError
from lambda_core.measurement import SWEPT_SPLITS, CachedRunner, LiveRunner
from lambda_core.selection import (
    Confirmation,
    Race,
    Runner,
    SearchResult,
    SelectionSettings,
    confirm_race,
    race,
    search,
    verdicts,
)
from lambda_core.studies import Study
from lambda_core.system import Report, prepare
from lambda_core.workflows.measure import measurable


def live(
    study: Study, split: str, *, seed: int | None = None, root: str | None = None, report: Report | None = None
) -> Runner:
    """A runner of this study's model on `split`; the bank is the sweep's own (so a race sees what a sweep sees) unless
    another seed is given. Finished parts lie in <study>/checkpoint/candidates and are not run again.
    """
    source, fingerprint = measurable(study, root)
    config = study.sweep_config or SweepConfig()
    seed = config.seed if seed is None else seed
    bank = source.bank(study.config, split, queries=config.queries, seed=seed)
    runner = LiveRunner(Backbone.of(study.model()), bank, study.config.lr, config.query_statistics, report)
    asked = f"{fingerprint} {split} {config.queries} {seed} {config.query_statistics}"
    return CachedRunner(runner, study.folder / "checkpoint" / "candidates", asked)


def race_live(
    study: Study,
    settings: SelectionSettings,
    *,
    episodes: int,
    root: str | None = None,
    report: Report | None = None,
) -> tuple[Race, Confirmation]:
    """Race a study's timed candidates on live validation episodes, and look at the winner once on test classes."""
    prepare(threads=1)
    runner = live(study, "val", root=root, report=report)
    result = race(study_entrants(study, settings.axis), runner, episodes, settings.threshold, settings.confidence)
    return result, confirm_race(result, live(study, "test", root=root, report=report), episodes)


def search_live(
    study: Study, config: SearchConfig, *, root: str | None = None, report: Report | None = None
) -> tuple[SearchResult, pd.DataFrame]:
    """Search step × layer patterns of up to the study's reference steps; verdicts on fresh episodes of val and test."""
    prepare(threads=1)
    if study.layer_costs is None:
        raise StudyError(f"{study.name} does not say what its layers cost; train it again to search by cost")
    lr, steps = study.config.lr, study.config.steps
    found = search(live(study, "val", seed=config.seed, root=root, report=report), steps, lr, study.layer_costs, config)
    tables = []
    for split in SWEPT_SPLITS:
        fresh = live(study, split, seed=config.seed + 1, root=root, report=report)
        tables.append(verdicts(found, fresh, steps, lr, config).assign(split=split))
    return found, pd.concat(tables, ignore_index=True)
