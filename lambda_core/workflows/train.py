"""Meta-train a model and start a study with it. Resumable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from torch import nn
from torch.distributed import is_torchelastic_launched

from lambda_core.backbones import fill_but_head, new_network, with_ways
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import Source
from lambda_core.errors import ConfigError, StudyError
from lambda_core.studies import Change, Study, StudyMetadata, check_name, commit, new_metadata, settle
from lambda_core.system import Report, locked, prepare
from lambda_core.training import MetaTrainer, from_first, meta_train, process_group, was_restarted
from lambda_core.workflows.start import in_own_names, read_weights


def train_study(
    config: MetaTrainConfig,
    folder: Path,
    *,
    root: str | None = None,
    resume: bool = False,
    stop_at: int | None = None,
    threads: int = 1,
    device: str = "cpu",
    memory_limit: int | None = None,
    command: str = "",
    group: str | None = None,
    start_from: Study | Path | None = None,
    report: Report | None = None,
) -> Study | None:
    """Meta-train and write study.json, weights.safetensors (the best on validation classes) and training.parquet.

    group: the name that several trainings of one recipe have together. start_from: a study of the same backbone, or a
    file of weights, to begin with; the head is kept where it fits. memory_limit: as of `meta_train`.
    Under torchrun the first process reads, writes and returns the study, and the others return None: no disk is shared.
    Raises StudyError where the folder holds a study already and `resume` is not asked for, or one that no training can
    go on with; BusyError where another process trains there.
    """
    check_name(folder.name)
    prepare(threads, device)
    with process_group(device) as first, ExitStack() as alone:
        resume = resume or was_restarted()
        from_first(lambda: alone.enter_context(_alone(folder, resume=resume)))
        source, model, started_from = _beginning(config, start_from, root)
        trainer = meta_train(
            config,
            folder / "checkpoint",
            source,
            model=model,
            resume=resume,
            stop_at=stop_at,
            device=device,
            memory_limit=memory_limit,
            report=report if first else None,
        )
        if not trainer.best.weights:
            raise StudyError(f"{folder}: no validation was due in {trainer.iteration} iterations, so none is best yet")
        if first:
            about = {"group": group, "started_from": started_from}
            metadata = _metadata(trainer, folder.name, device, command, about)
            commit(folder, _kept(folder, metadata), {"training": trainer.log.table}, trainer.best.weights)
    return Study.load(folder) if first else None


def train_seeds(
    config: MetaTrainConfig, place: Path, seeds: int, *, resume: bool = False, **options: Any
) -> list[Study]:
    """Train one recipe with `seeds` seeds, from its own upwards; each is a study, PLACE-seed0 and so on.

    resume: go on with what a stopped run left; finished ones stay. options: those of `train_study`. Raises StudyError.
    """
    if is_torchelastic_launched():
        raise ConfigError("several seeds are trained by one process; under torchrun start a training for each --seed")
    group, studies = check_name(place.name), []
    for seed in range(config.seed, config.seed + seeds):
        own, folder = config.but(seed=seed), place.with_name(f"{place.name}-seed{seed}")
        finished = _finished(own, folder, group) if resume else None
        trained = finished or train_study(own, folder, resume=resume, group=group, **options)
        assert trained is not None
        studies.append(trained)
    return studies


def _finished(config: MetaTrainConfig, folder: Path, group: str) -> Study | None:
    """The study in `folder`, if it is this training of this group and there is nothing left to do."""
    if not (folder / "study.json").exists():
        return None
    study = Study.load(folder)
    done = study.metadata.iterations_done >= config.iterations
    return study if done and study.config == config and study.metadata.group == group else None


@contextmanager
def _alone(folder: Path, *, resume: bool) -> Iterator[None]:
    """Within: no other process trains into `folder`, and what is there may be gone on with."""
    with locked(folder.parent / f".{folder.name}.training", f"{folder} is in training"):
        check_target(folder, resume=resume)
        yield


def check_target(folder: Path, *, resume: bool) -> None:
    """Raises StudyError where a training into `folder` would overwrite what it cannot make again."""
    there, checkpoint = (folder / "study.json").exists(), folder / "checkpoint"
    if not resume:
        if there or checkpoint.exists():
            raise StudyError(f"{folder} holds a study already; add --resume to go on with it, or name another folder")
        return
    if not there:
        return
    study = Study.load(folder)
    done, planned = study.metadata.iterations_done, study.config.iterations
    if done >= planned:
        settle(folder)
        raise StudyError(f"{folder} is finished ({done} iterations): there is nothing to resume")
    if not (checkpoint / "state.safetensors").exists():
        raise StudyError(f"{folder} came without its checkpoint: no training can go on with it; name another folder")
    if study.accuracies is not None or study.search is not None:
        raise StudyError(
            f"{folder} was measured after {done} iterations, and more training would make its tables those of other "
            f"weights; copy {checkpoint} to a new folder and resume there"
        )


def _kept(folder: Path, metadata: StudyMetadata) -> StudyMetadata | Change:
    """The metadata of a training; of one that went on, with what was measured before and the commands noted."""
    if not (folder / "study.json").exists():
        return metadata

    def change(present: StudyMetadata) -> StudyMetadata:
        then, now = present.to_dict(), metadata.to_dict()
        commands = [*then["commands"], *(each for each in now["commands"] if each not in then["commands"])]
        kept = {key: then.get(key) for key in ("sweep", "timing", "search", "created")}
        return StudyMetadata.from_dict(then | now | kept | {"commands": commands})

    return change


def _beginning(
    config: MetaTrainConfig, start_from: Study | Path | None, root: str | None
) -> tuple[Source, nn.Sequential | None, dict[str, str] | None]:
    """The images, the network to begin with (None: a new one) and what study.json says of its weights."""
    if start_from is None:
        return Source(config.dataset, root), None, None
    if config.pretrain_epochs:
        raise ConfigError("a training starts from weights or with a classification: set pretrain_epochs to 0")
    if isinstance(start_from, Study):
        if start_from.config.backbone != config.backbone:
            raise ConfigError(f"{start_from.name} is a {start_from.config.backbone}, not a {config.backbone}")
        model = with_ways(start_from.with_code(config.backbone).model(), config.ways, anew=True)
        source = Source(config.dataset, root, start_from.input)
        return source, model, {"file": f"{start_from.name}/weights.safetensors", "sha256": start_from.weights_sum}
    source = Source(config.dataset, root)
    model = new_network(config, *source.input)
    weights, started_from = read_weights(start_from)
    fill_but_head(model, in_own_names(config, weights))
    return source, model, started_from


def _metadata(trainer: MetaTrainer, name: str, device: str, command: str, about: dict[str, Any]) -> StudyMetadata:
    done = {
        "pretraining": trainer.pretraining or None,
        "iterations_done": trainer.iteration,
        "best_iteration": trainer.best.iteration,
    }
    model, config, source = trainer.model, trainer.config, trainer.source
    return new_metadata(name, model, config, source, device=device, command=command, **done, **about)
