"""A study on disk: one meta-trained model with everything measured on it, in one folder. No torch at import.

Files (schema 1): study.json, weights.safetensors, training.parquet, accuracy.parquet, timing.parquet; the last two
are lacking until the study is measured. Reading trusts nothing: a bad study is a StudyError that names file and fault.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lambda_core.about import check_name, read_about, settings, torch_versions
from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.errors import PatternError, SelectionError, StudyError
from lambda_core.files import write_json, write_with
from lambda_core.pairs import episode_matrix
from lambda_core.pattern import LambdaPattern
from lambda_core.tables import first_line, read_table, write_table

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Study", "StudyError", "check_name", "list_studies", "studies_root"]

MAX_WEIGHTS_BYTES = 1 << 30
MAX_PATTERN = 4096
DATASETS = {"cifar-fs": "CIFAR-FS", "fc100": "FC100"}  # others are told by their capitalised id
BACKBONES = {"conv4": "4-CONV", "resnet12": "ResNet-12", "mlp": "MLP"}


@dataclass(frozen=True, eq=False)
class Study:
    """A checked study.

    about: study.json as it is, extra keys included. layers: names of the backbone's layers, a pattern's columns.
    layer_costs: forward multiply-adds of each layer for one support set, or None where not recorded.
    training, accuracy, timing: the tables of DESIGN.md; accuracy (0 to 1) and timing are None until measured.
    search: what `search.verdicts` found of step × layer patterns, or None.
    """

    folder: Path
    about: dict[str, Any]
    config: MetaTrainConfig
    layers: tuple[str, ...]
    layer_costs: list[int] | None
    training: pd.DataFrame
    accuracy: pd.DataFrame | None
    timing: pd.DataFrame | None
    search: pd.DataFrame | None = None

    @classmethod
    def load(cls, folder: Path | str) -> Study:
        """Read and check everything in `folder`; raises StudyError."""
        folder = Path(folder)
        check_name(folder.resolve().name)
        if not folder.is_dir():
            raise StudyError(f"no study lies in {folder}: there is no such folder")
        path = _inside(folder, "study.json")
        about = read_about(path)
        config = settings(path, about, "config", MetaTrainConfig)
        if config is None:
            raise StudyError(f"{path} lacks 'config', the settings of its training")
        study = cls(
            folder=folder,
            about=about,
            config=config,
            layers=tuple(about["layers"]),
            layer_costs=about.get("layer_multiply_adds"),
            training=_table(folder, "training"),
            accuracy=_table_if_there(folder, "accuracy"),
            timing=_table_if_there(folder, "timing"),
            search=_table_if_there(folder, "search"),
        )
        study._check()
        return study

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def title(self) -> str:
        """Such as `CIFAR-FS · 5-way 1-shot · 4-CONV`, with what in its training differs from plain MAML."""
        config = self.config
        task = f"{config.ways}-way {config.shots}-shot" if config.ways > 1 else f"{config.shots}-shot"
        parts = [DATASETS.get(config.dataset, config.dataset.capitalize()), task, BACKBONES[config.backbone]]
        if config.pretrain:
            parts.append("pretrained")
        if config.last_pattern not in ("maml", "1" * len(self.layers)):
            parts.append(f"trained with {config.pattern.upper()}")
        if config.steps == 1:
            parts.append("1 training step")
        return " · ".join(parts)

    @property
    def sweep_config(self) -> SweepConfig | None:
        """How the accuracies were measured; None until they are."""
        return settings(self.folder / "study.json", self.about, "sweep", SweepConfig)

    @property
    def timing_config(self) -> TimingConfig | None:
        """How the times were measured; None until they are."""
        return settings(self.folder / "study.json", self.about, "timing", TimingConfig)

    @property
    def measured(self) -> bool:
        """Both tables that a selection needs are there."""
        return self.accuracy is not None and self.timing is not None

    @property
    def warnings(self) -> list[str]:
        """What a reader of this study's numbers must know: sentences, mostly none."""
        versions = torch_versions(self.about)
        if len(set(versions.values())) < 2:
            return []
        parts = ", ".join(f"{part} {version}" for part, version in versions.items())
        return [f"This study was made under several versions of torch ({parts}); measure it again under one."]

    @property
    def input(self) -> tuple[int, int]:
        """(size, channels) of the images that the backbone takes."""
        return self.about["input"]["size"], self.about["input"]["channels"]

    def model(self) -> nn.Sequential:
        """The backbone with the meta-learned weights; imports torch. Raises StudyError if names or shapes differ."""
        from safetensors.torch import load_file

        from lambda_core.model import build_model

        path = _inside(self.folder, "weights.safetensors")
        model = build_model(self.config, *self.input)
        try:
            model.load_state_dict(load_file(path))
        except Exception as error:  # safetensors and torch raise their own, undocumented kinds
            raise StudyError(
                f"{path} does not fit the backbone of study.json: {' '.join(str(error).split())}"
            ) from error
        return model

    def _check(self) -> None:
        _ = self.sweep_config, self.timing_config  # read once, so that a wrong setting is found now
        _check_weights(self)
        if self.accuracy is not None:
            _check_accuracy(self.folder / "accuracy.parquet", self.accuracy, len(self.layers))
        if self.timing is not None:
            _check_patterns(self.folder / "timing.parquet", self.timing, len(self.layers))
        if self.search is not None:
            _check_patterns(self.folder / "search.parquet", self.search, len(self.layers))


def studies_root() -> Path:
    """Where studies lie: $LAMBDA_STUDIES, else cached_results beside the package, else ./cached_results."""
    if chosen := os.environ.get("LAMBDA_STUDIES"):
        return Path(chosen)
    beside = Path(__file__).parent.parent / "cached_results"
    return beside if beside.is_dir() else Path("cached_results")


def list_studies(root: Path | str) -> tuple[list[Study], list[StudyError]]:
    """Every study below `root`, by name, and what is wrong with the others: one bad study never hides the good ones.

    Raises StudyError only where `root` itself cannot be listed; a missing root holds no studies.
    """
    studies: list[Study] = []
    errors: list[StudyError] = []
    for folder in _folders(Path(root)):
        if (folder / "checkpoint").is_dir() and not (folder / "study.json").exists():
            continue  # still in training: no study yet, and nothing is wrong with it
        try:
            _refuse_escape(folder, Path(root))
            studies.append(Study.load(folder))
        except StudyError as error:
            errors.append(error)
    return studies, errors


def write_about(folder: Path, about: dict[str, Any]) -> None:
    """Write study.json; the keys are those of DESIGN.md, extra ones are kept. Raises StudyError."""
    _written(folder / "study.json", lambda path: write_json(path, about))


def write_training(folder: Path, frame: pd.DataFrame) -> None:
    """iteration, loss, accuracy, val_accuracy (NaN where not validated), seconds. Raises StudyError."""
    write_table(folder, "training", frame)


def write_accuracy(folder: Path, frame: pd.DataFrame) -> None:
    """split, pattern, steps, lr, episode, accuracy (0 to 1), loss; no adaptation: once, at 0 steps."""
    write_table(folder, "accuracy", frame)


def write_timing(folder: Path, frame: pd.DataFrame) -> None:
    """pattern, steps, repeat, device, threads, milliseconds, multiply_adds. Raises StudyError."""
    write_table(folder, "timing", frame)


def write_search(folder: Path, frame: pd.DataFrame) -> None:
    """Write the search table (see `tables.SEARCH`)."""
    write_table(folder, "search", frame)


def write_weights(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """Write weights.safetensors from a state dictionary, as contiguous copies on the CPU. Raises StudyError."""
    from safetensors.torch import save_file

    plain = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    _written(folder / "weights.safetensors", lambda path: write_with(path, lambda part: save_file(plain, part)))


def _written(path: Path, write: Callable[[Path], None]) -> None:
    try:
        write(path)
    except Exception as error:  # safetensors wraps a full disk in an error of its own
        raise StudyError(f"{path} cannot be written: {first_line(error)}") from error


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StudyError(f"the studies in {root} cannot be listed: {first_line(error)}") from error


def _refuse_escape(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise StudyError(f"{path} is a link that leads out of {folder}; a study holds its files itself")


def _inside(folder: Path, name: str) -> Path:
    """The regular file `name` of the study; a link out of the folder, a pipe or a device is refused unopened."""
    path = folder / name
    try:
        _refuse_escape(path, folder)
        mode = path.stat().st_mode
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself, in Python before 3.13
        raise StudyError(f"{path} cannot be read: {first_line(error)}") from error
    if not stat.S_ISREG(mode):
        raise StudyError(f"{path} is no regular file")
    return path


def _table(folder: Path, name: str) -> pd.DataFrame:
    _inside(folder, f"{name}.parquet")
    return read_table(folder, name)


def _table_if_there(folder: Path, name: str) -> pd.DataFrame | None:
    return _table(folder, name) if os.path.lexists(folder / f"{name}.parquet") else None


def _check_weights(study: Study) -> None:
    from safetensors.numpy import load_file

    path = _inside(study.folder, "weights.safetensors")
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise StudyError(f"{path} is larger than {MAX_WEIGHTS_BYTES >> 30} GB")
    try:
        weights = load_file(path)
    except Exception as error:  # safetensors raises its own kinds, and KeyError for a type unknown to numpy
        raise StudyError(f"{path} is no readable safetensors file: {first_line(error)}") from error
    _check_shapes(path, study, weights)
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise StudyError(f"{path}: {name} holds NaN or infinite weights")


def _check_shapes(path: Path, study: Study, weights: dict[str, np.ndarray]) -> None:
    """What can be known without building the model: which layers own weights, and how many outputs each gives."""
    found = {name.split(".")[0] for name in weights}
    if found != set(study.layers):
        raise StudyError(f"{path} holds weights of {sorted(found)}, but the layers are {list(study.layers)}")
    outputs = dict.fromkeys(study.layers[:-1], study.config.filters) if study.config.backbone != "resnet12" else {}
    outputs[study.layers[-1]] = study.config.ways
    for name, value in weights.items():
        wanted = outputs.get(name.split(".")[0])
        if wanted is not None and value.ndim and value.shape[0] != wanted:
            raise StudyError(f"{path}: {name} has {value.shape[0]} outputs, but study.json asks for {wanted}")


def _check_accuracy(path: Path, frame: pd.DataFrame, layers: int) -> None:
    wrong = set(frame["split"].cat.categories) - {"val", "test"}
    if wrong:
        raise StudyError(f"{path}: the splits are val and test, not {', '.join(sorted(wrong))}")
    _check_patterns(path, frame, layers)
    for split in frame["split"].unique():
        try:
            episode_matrix(frame[frame["split"] == split])
        except SelectionError as error:
            raise StudyError(f"{path}, split {split}: {error}") from error


def _check_patterns(path: Path, frame: pd.DataFrame, layers: int) -> None:
    """Every pattern is canonical, and "no adaptation" is spelled one way: the zero pattern at 0 steps."""
    for text in frame["pattern"].cat.categories:
        if len(text) > MAX_PATTERN:
            raise StudyError(f"{path}: a pattern is {len(text)} characters long; at most {MAX_PATTERN} are read")
        try:
            canonical = str(LambdaPattern.parse(text, layers))
        except PatternError as error:
            raise StudyError(f"{path}: {error}") from error
        if canonical != text:
            raise StudyError(f"{path}: pattern {text!r} is not in its shortest form, {canonical}")
    idle = (frame["pattern"] == "0" * layers).to_numpy()
    if (idle != (frame["steps"] == 0).to_numpy()).any():
        raise StudyError(f"{path}: no adaptation must appear as pattern {'0' * layers} at 0 steps, and only so")
