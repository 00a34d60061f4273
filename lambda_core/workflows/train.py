"""Meta-train a model and start a study with it. Resumable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import distributed

from lambda_core.backbones import layer_costs, layer_names
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import Source
from lambda_core.errors import StudyError
from lambda_core.studies import SCHEMA, Study, StudyMetadata, check_name, write_metadata, write_training, write_weights
from lambda_core.system import Report, environment, prepare
from lambda_core.training import MetaTrainer, meta_train


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
            write_training(folder, trainer.log.table)
            write_metadata(folder, _metadata(trainer, folder.name, device, command))
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


def _metadata(trainer: MetaTrainer, name: str, device: str, command: str) -> StudyMetadata:
    example = trainer.train_bank[0].support_x.to(trainer.device)
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "name": name,
        "config": trainer.config.to_dict(),
        "pretraining": trainer.pretraining or None,
        "sweep": None,
        "timing": None,
        "dataset": _dataset(trainer.source),
        "input": dict(zip(("size", "channels"), trainer.source.input, strict=True)),
        "layers": list(layer_names(trainer.model)),
        "layer_multiply_adds": layer_costs(trainer.model, example),
        "environment": environment(device),
        "commands": [command] if command else [],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "iterations_done": trainer.iteration,
        "best_iteration": trainer.best.iteration,
    }
    return StudyMetadata.from_dict(content)


def _dataset(source: Source) -> dict[str, str]:
    if source.images is None:
        return {"name": source.name, "source": "built in", "fingerprint": "sinusoid-1"}
    return {"name": source.name, "source": source.images.source, "fingerprint": source.images.fingerprint()}
