"""Measure a study: its accuracies, its times. Resumable; all is written into the study's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lambda_core.backbones import Backbone, layer_products
from lambda_core.config import SweepConfig, TimingConfig
from lambda_core.data import load_dataset, refuse_uniform
from lambda_core.episodes import EpisodeBank, Source
from lambda_core.errors import PatternError, StudyError
from lambda_core.measurement import (
    SWEPT_SPLITS,
    drop_short_chunks,
    measure_times,
    read_device_times,
    study_source,
    sweep_in_chunks,
    unpack,
    with_memory,
)
from lambda_core.patterns import EXHAUSTIVE, LambdaPattern, count_cost, patterns_to_measure
from lambda_core.selection import rows_under, timing_conditions
from lambda_core.studies import DatasetRecord, Study, commit, on_domain, own_copy
from lambda_core.system import Report, environment, locked, prepare

MULTIPLY_ADDS_A_SECOND = 1e10  # of one core, for estimates


def measurable(study: Study, root: str | None = None) -> tuple[Source, str]:
    """The study's data, checked to be what it was trained on, and a fingerprint of weights and data together."""
    source = study_source(study, root)
    if source.images is None:
        raise StudyError(f"{study.name} is a regression: it has no accuracy to sweep; open it on the app's Learn page")
    data = study.metadata.measured_on
    if source.images.fingerprint() != data.fingerprint:
        made = "trained" if study.metadata.domain is None else "started"
        raise StudyError(f"{study.name} was {made} on another version of {study.dataset}; fetch that data anew")
    return source, f"{study.weights_sum} {data.fingerprint}{' inverted' if data.inverted else ''}"


def on_dataset(
    study: Study, dataset: str, *, queries: int = 1, inverted: bool = False, root: str | None = None
) -> Study:
    """The study of the same model on another data set, to be measured there; made where it is not there yet.

    Its images are brought to the network's size and channels (`Fit`); inverted: dark and light are swapped, too.
    queries: a class, that it will be measured with.
    Raises StudyError, DataError.
    """
    if study.config.ways == 1:
        raise StudyError(f"{study.name} is a regression: it cannot be measured on images")
    if dataset == study.config.dataset and not inverted:
        raise StudyError(f"{study.name} was trained on {dataset}: measure it there without --dataset")
    images = load_dataset(dataset, root).fitted(*study.input, inverted=inverted)
    refuse_uniform(images, SWEPT_SPLITS)
    record = DatasetRecord.of(images, SWEPT_SPLITS, inverted=inverted)
    for split in SWEPT_SPLITS:  # refused before anything is written
        EpisodeBank(images, split, study.config.ways, study.config.shots, queries)
    return on_domain(study, record)


def sweep_study(
    study: Study,
    config: SweepConfig,
    *,
    root: str | None = None,
    processes: int | None = 1,
    memory_limit: int | None = None,
    command: str = "",
    report: Report | None = None,
) -> Study:
    """Measure per-layer patterns on validation and test episodes; resumes by itself.

    Writes accuracy.parquet and episodes.parquet. processes: of one thread each; None: one a core. memory_limit: bytes
    that all of them together may hold of episodes, beside images and weights: fewer work then, or in smaller pieces.
    """
    config = settings_for(study, config)
    study = own_copy(study)
    with locked(study.folder / ".sweep.lock", f"{study.name} is being swept"):
        source, fingerprint = measurable(study, root)
        drop_short_chunks(study)
        unpack(study, config, fingerprint)
        work: dict[str, Any] = {"root": root, "processes": processes, "report": report, "code": study.code}
        frame = sweep_in_chunks(study.folder, config, fingerprint, memory_limit=memory_limit, **work)
        classes = classes_of(study, config, source)
        return note(study, "sweep", config.to_dict(), command, accuracy=frame, episodes=classes)


def settings_for(study: Study, config: SweepConfig) -> SweepConfig:
    """What a sweep of the study measures where these settings are asked for. Raises StudyError where it cannot,
    PatternError for patterns that are none or too many.
    """
    study.check_sweep(config)
    study.check_code()
    check_size(study, config)
    _check_scales(study, config)
    return config.but(query_statistics=study.statistics_for(config.query_statistics))


def check_size(study: Study, config: SweepConfig) -> None:
    """Raises PatternError for patterns that are none, and for all of a deep network: how long that would take."""
    layers = len(study.layers)
    digits, most = EXHAUSTIVE.get(config.patterns, (0, layers))
    if layers <= most:
        patterns_to_measure(config.patterns, layers)
        return
    took = ""
    if study.layer_costs is not None:
        work = count_cost(LambdaPattern.full(layers), config.max_steps, study.layer_costs)
        hours = float(digits) ** layers * 2 * config.episodes * work / MULTIPLY_ADDS_A_SECOND / 3600
        took = f", about {hours:,.0f} hours at 10 billion multiply-adds a second"
    raise PatternError(
        f"{layers} layers have {digits**layers:,} patterns{took}: measure the last layers with --patterns tails, those "
        f"of your choice with --patterns P,Q, or look for good ones with: lambda-core search {study.folder}"
    )


def _check_scales(study: Study, config: SweepConfig) -> None:
    """Raises PatternError for scale and shift of a layer that has none, before a sweep of them claims its place."""
    finer = [each for each in patterns_to_measure(config.patterns, len(study.layers)) if each.is_finer]
    if finer:
        Backbone.of(study.model()).checked(*finer)


def complete(study: Study, root: str | None = None) -> Study:
    """Write what an earlier version did not note of a study, and what follows from its data; nothing is measured anew.

    That is the classes of the episodes that it was swept on, and how the images of its training look. Raises
    StudyError, DataError.
    """
    study = own_copy(study)
    source, _ = measurable(study, root)
    config, tables = study.sweep_config, {}
    if config is not None and study.episodes is None:
        tables["episodes"] = classes_of(study, config, source)
    trained_on = source.images if study.metadata.domain is None else None
    commit(study.folder, lambda metadata: metadata if trained_on is None else metadata.looking_like(trained_on), tables)
    return Study.load(study.folder)


def classes_of(study: Study, config: SweepConfig, source: Source) -> pd.DataFrame:
    """The table of episodes (split, episode, class) of a sweep."""
    frames = []
    for split in SWEPT_SPLITS:
        bank = source.bank(study.config, split, queries=config.queries, seed=config.seed)
        assert isinstance(bank, EpisodeBank)
        places = [bank.classes_of(index) for index in range(config.episodes)]
        episode = np.repeat(np.arange(config.episodes), study.config.ways)
        frames.append(pd.DataFrame({"split": split, "episode": episode, "class": np.concatenate(places)}))
    return pd.concat(frames, ignore_index=True)


def time_study(
    study: Study,
    config: TimingConfig,
    *,
    root: str | None = None,
    command: str = "",
    report: Report | None = None,
) -> Study:
    """Time the patterns of the sweep, or those of config, at every step count of the sweep on this machine.

    Its rows join those of other machines, torch versions, devices and thread counts in timing.parquet, and take the
    place of its own earlier ones.
    """
    study = own_copy(study)
    with locked(study.folder / ".time.lock", f"{study.name} is being timed"):
        frame = _timed(study, config, root, report)
        before = Study.load(study.folder).timing
        values = config.to_dict() | {"environment": environment(config.device)}
        return note(study, "timing", values, command, timing=_beside_others(before, frame))


def count_memory(study: Study) -> Study:
    """Count anew, for the model and the engine as they are, what each candidate of the timing table needs in memory.

    Nothing is timed and no data set is needed. Raises StudyError for a study that is not timed.
    """
    import torch

    if study.timing is None:
        raise StudyError(str(study.not_measured))
    study, config = own_copy(study), study.config
    size, channels = study.input
    with locked(study.folder / ".time.lock", f"{study.name} is being timed"):
        timing = Study.load(study.folder).timing
        assert timing is not None
        counted = with_memory(timing, study.model(), torch.zeros(config.ways * config.shots, channels, size, size))
        commit(study.folder, lambda metadata: metadata, {"timing": counted}, of_weights=study.weights_sum)
    return Study.load(study.folder)


def add_device_times(study: Study, file: Path, *, command: str = "") -> Study:
    """Add what another device timed of exported graphs (`export/on_device.py`) to the study's times, as those of one
    more machine; earlier ones of that machine are replaced. Raises StudyError for a file that is not right, and for a
    study that was not timed here.
    """
    if study.timing is None:
        raise StudyError(str(study.not_measured))
    study = own_copy(study)
    with locked(study.folder / ".time.lock", f"{study.name} is being timed"):
        frame = read_device_times(file, study)
        together = _beside_others(Study.load(study.folder).timing, frame)
        commit(
            study.folder, lambda each: each.with_command(command), {"timing": together}, of_weights=study.weights_sum
        )
    return Study.load(study.folder)


def _timed(study: Study, config: TimingConfig, root: str | None, report: Report | None) -> pd.DataFrame:
    prepare(config.threads, config.device)
    source = study_source(study, root)
    max_steps = (study.sweep_config or SweepConfig()).max_steps
    bank = source.bank(study.config, "val", seed=config.seed)
    choice = config.patterns or (study.sweep_config or SweepConfig()).patterns
    patterns = patterns_to_measure(choice, len(study.layers))
    model = study.model().to(config.device)
    costs = layer_products(study.model(), bank[0].support_x)
    return measure_times(model, bank, patterns, max_steps, study.config.lr, costs, config, report)


def _beside_others(before: pd.DataFrame | None, new: pd.DataFrame) -> pd.DataFrame:
    """Times of one condition added to a study's, in the place of earlier ones of that condition."""
    if before is None:
        return new
    (ours,) = timing_conditions(new)
    others = before.drop(index=rows_under(before, ours).index)
    return pd.concat([others.astype({"pattern": "str"}), new], ignore_index=True)


def note(study: Study, key: str, value: dict[str, Any], command: str, **tables: pd.DataFrame) -> Study:
    """Write tables into the study, and how they were made into its study.json; all of it or nothing."""
    commit(
        study.folder,
        lambda metadata: metadata.with_measurement(key, value, command),
        tables,
        of_weights=study.weights_sum,
    )
    return Study.load(study.folder)
