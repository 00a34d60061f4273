"""Measure a study: its accuracies, its times. Resumable; all is written into the study's folder."""

from __future__ import annotations

import hashlib
from typing import Any

from lambda_core.backbones import layer_products
from lambda_core.config import SweepConfig, TimingConfig
from lambda_core.episodes import Source
from lambda_core.errors import StudyError
from lambda_core.measurement import measure_times, sweep_in_chunks, unpack
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study, own_copy, write_accuracy, write_metadata, write_timing
from lambda_core.system import Report, environment, prepare


def measurable(study: Study, root: str | None = None) -> tuple[Source, str]:
    """The study's data, checked to be what it was trained on, and a fingerprint of weights and data together."""
    source = Source(study.config.dataset, root)
    if source.images is None:
        raise StudyError(f"{study.name} is a regression: it has no accuracy to sweep; open it on the app's Learn page")
    if source.images.fingerprint() != study.metadata.dataset.fingerprint:
        raise StudyError(f"{study.name} was trained on another version of {study.config.dataset}; fetch that data anew")
    weights = hashlib.sha256((study.folder / "weights.safetensors").read_bytes()).hexdigest()
    return source, f"{weights} {study.metadata.dataset.fingerprint}"


def sweep_study(
    study: Study,
    config: SweepConfig,
    *,
    root: str | None = None,
    processes: int = 1,
    command: str = "",
    report: Report | None = None,
) -> Study:
    """Measure every per-layer pattern on validation and test episodes and write accuracy.parquet; resumes by itself."""
    study = own_copy(study)
    _, fingerprint = measurable(study, root)
    unpack(study, config, fingerprint)
    frame = sweep_in_chunks(study.folder, config, fingerprint, root=root, processes=processes, report=report)
    write_accuracy(study.folder, frame)
    return note(study, "sweep", config.to_dict(), command)


def time_study(
    study: Study,
    config: TimingConfig,
    *,
    root: str | None = None,
    command: str = "",
    report: Report | None = None,
) -> Study:
    """Time every per-layer pattern at every step count of the sweep and write timing.parquet."""
    prepare(config.threads, config.device)
    study = own_copy(study)
    source = Source(study.config.dataset, root)
    max_steps = (study.sweep_config or SweepConfig()).max_steps
    bank = source.bank(study.config, "val", seed=config.seed)
    patterns = LambdaPattern.enumerate(len(study.layers))
    model = study.model().to(config.device)
    costs = layer_products(study.model(), bank[0].support_x)
    frame = measure_times(model, bank, patterns, max_steps, study.config.lr, costs, config, report)
    write_timing(study.folder, frame)
    return note(study, "timing", config.to_dict() | {"environment": environment(config.device)}, command)


def note(study: Study, key: str, value: dict[str, Any], command: str) -> Study:
    """Record in study.json how a table was made."""
    write_metadata(study.folder, study.metadata.with_measurement(key, value, command))
    return Study.load(study.folder)
