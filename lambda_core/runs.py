"""The three pieces of work that make a study, each resumable: train, sweep, time. All write into the study's folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import distributed

from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.episode import Source
from lambda_core.errors import StudyError
from lambda_core.model import layer_costs, layer_names, layer_products
from lambda_core.outer_loop import MetaTrainer, meta_train
from lambda_core.pattern import LambdaPattern
from lambda_core.progress import Report
from lambda_core.runtime import environment, prepare
from lambda_core.study import (
    Study,
    check_name,
    write_about,
    write_accuracy,
    write_timing,
    write_training,
    write_weights,
)
from lambda_core.sweeping import sweep_in_chunks, unpack
from lambda_core.timing import measure_times


def train_study(
    config: MetaTrainConfig,
    folder: Path,
    *,
    root: str | None = None,
    resume: bool = False,
    stop_at: int | None = None,
    threads: int = 1,
    device: str = "cpu",
    command: str = "",
    report: Report | None = None,
) -> Study:
    """Meta-train and write study.json, weights.safetensors (the best on validation classes) and training.parquet.

    Raises StudyError where the folder holds a study already and `resume` is not asked for.
    """
    check_name(folder.name)
    if not resume and ((folder / "study.json").exists() or (folder / "checkpoint").exists()):
        raise StudyError(f"{folder} holds a study already; add --resume to go on with it, or name another folder")
    prepare(threads, device)
    source = Source(config.dataset, root)
    with process_group() as first:
        shown = report if first else None
        trainer = meta_train(
            config, folder / "checkpoint", source, resume=resume, stop_at=stop_at, device=device, report=shown
        )
        if not trainer.best.weights:
            raise StudyError(f"{folder}: no validation was due in {trainer.iteration} iterations, so none is best yet")
        if first:
            write_weights(folder, trainer.best.weights)
            write_training(folder, trainer.training)
            write_about(folder, _about(trainer, folder.name, device, command))
    return Study.load(folder)


@contextmanager
def process_group() -> Iterator[bool]:
    """Joins torchrun's processes, where it started this one; yields whether this is the first. All leave together."""
    if not distributed.is_torchelastic_launched():
        yield True
        return
    distributed.init_process_group("gloo")
    try:
        yield distributed.get_rank() == 0
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def measurable(study: Study, root: str | None = None) -> tuple[Source, str]:
    """The study's data, checked to be what it was trained on, and a fingerprint of weights and data together."""
    source = Source(study.config.dataset, root)
    if source.images is None:
        raise StudyError(f"{study.name} is a regression: it has no accuracy to sweep; open it on the app's Learn page")
    if source.images.fingerprint() != study.about["dataset"]["fingerprint"]:
        raise StudyError(f"{study.name} was trained on another version of {study.config.dataset}; fetch that data anew")
    weights = hashlib.sha256((study.folder / "weights.safetensors").read_bytes()).hexdigest()
    return source, f"{weights} {study.about['dataset']['fingerprint']}"


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
    commands = [each for each in study.about["commands"] if each != command]
    write_about(study.folder, study.about | {key: value, "commands": [*commands, command] if command else commands})
    return Study.load(study.folder)


def _about(trainer: MetaTrainer, name: str, device: str, command: str) -> dict[str, Any]:
    example = trainer.train_bank[0].support_x.to(trainer.device)
    return {
        "schema": 1,
        "name": name,
        "config": trainer.config.to_dict(),
        "pretraining": trainer.pretraining or None,
        "sweep": None,
        "timing": None,
        "dataset": _dataset(trainer.source),
        "input": {"size": trainer.size, "channels": trainer.channels},
        "layers": list(layer_names(trainer.model)),
        "layer_multiply_adds": layer_costs(trainer.model, example),
        "environment": environment(device),
        "commands": [command] if command else [],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "iterations_done": trainer.iteration,
        "best_iteration": trainer.best.iteration,
    }


def _dataset(source: Source) -> dict[str, str]:
    if source.images is None:
        return {"name": source.name, "source": "built in", "fingerprint": "sinusoid-1"}
    return {"name": source.name, "source": source.images.source, "fingerprint": source.images.fingerprint()}
