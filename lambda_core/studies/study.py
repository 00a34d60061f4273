"""A study on disk: one meta-trained model with everything measured on it, in one folder. No torch at import.

Files (schema 1): study.json, weights.safetensors, training.parquet, accuracy.parquet, timing.parquet; the last two
are lacking until the study is measured. Reading trusts nothing: a bad study is a StudyError that names file and fault.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.errors import StudyError
from lambda_core.studies.checks import check_accuracy, check_patterns, check_weights, file_inside
from lambda_core.studies.metadata import check_name, read_about, settings, torch_versions
from lambda_core.studies.tables import read_table

if TYPE_CHECKING:
    from torch import nn


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
        path = file_inside(folder, "study.json")
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
        if config.pretrain_epochs:
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
    def not_measured(self) -> str | None:
        """Which table a selection still lacks and what makes it, as a sentence; None where both are there."""
        if self.config.ways == 1:
            return f"{self.name} is a regression: it has no accuracies to choose by"
        if self.accuracy is None:
            return f"{self.name} has no accuracies yet; make them with: lambda-core sweep {self.folder}"
        if self.timing is None:
            return f"{self.name} has no times yet; make them with: lambda-core time {self.folder}"
        return None

    def measurements(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(accuracy, timing). Raises StudyError that names the missing table and the command that makes it."""
        if self.not_measured or self.accuracy is None or self.timing is None:
            raise StudyError(str(self.not_measured))
        return self.accuracy, self.timing

    def split(self, name: str) -> pd.DataFrame:
        """The accuracies on `val` or `test` classes. Raises StudyError where there are none yet."""
        if self.accuracy is None:
            raise StudyError(str(self.not_measured))
        return self.accuracy[self.accuracy["split"] == name]

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

        from lambda_core.backbones import build_model

        path = file_inside(self.folder, "weights.safetensors")
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
        check_weights(self.folder, self.layers, self.config)
        if self.accuracy is not None:
            check_accuracy(self.folder / "accuracy.parquet", self.accuracy, len(self.layers))
        if self.timing is not None:
            check_patterns(self.folder / "timing.parquet", self.timing, len(self.layers))
        if self.search is not None:
            check_patterns(self.folder / "search.parquet", self.search, len(self.layers))


def _table(folder: Path, name: str) -> pd.DataFrame:
    file_inside(folder, f"{name}.parquet")
    return read_table(folder, name)


def _table_if_there(folder: Path, name: str) -> pd.DataFrame | None:
    return _table(folder, name) if os.path.lexists(folder / f"{name}.parquet") else None
