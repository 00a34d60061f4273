"""A study on disk: one meta-trained model with everything measured on it, in one folder. No torch at import.

Files: study.json, weights.safetensors, training.parquet, accuracy.parquet, timing.parquet, search.parquet,
episodes.parquet; the last four are not there until they are measured. Reading trusts nothing: a bad study is a
StudyError that names file and fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig, is_own
from lambda_core.data import Looks
from lambda_core.errors import ModelError, StudyError
from lambda_core.patterns import Peak
from lambda_core.selection import Scores
from lambda_core.studies.checks import MAX_WEIGHTS_BYTES, check_weights
from lambda_core.studies.metadata import StudyMetadata
from lambda_core.studies.metadata_checks import check_name
from lambda_core.studies.places import find_folder
from lambda_core.studies.reading import missing, read_metadata, read_tables, untold
from lambda_core.studies.sums import file_inside, read_file
from lambda_core.studies.tables import Accuracies
from lambda_core.studies.title import ends_with_all_layers, title_of
from lambda_core.studies.writing import commit, new_metadata, no_training, settle

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lambda_core.episodes import Source

COMMANDS = {"accuracy": "sweep", "timing": "time", "search": "search", "episodes": "sweep"}  # what makes a table


@dataclass(frozen=True, eq=False)
class Study:
    """A checked study.

    metadata: study.json. training, timing: tables as in docs/formats.md. accuracies: what `accuracy` and `split` make
    tables of, and `scores` arrays; 0 to 1. timing and accuracies are None until measured.
    search: what `selection.judge_search` found of step × layer patterns, or None.
    episodes: the classes of each swept episode, or None, where a sweep did not note them: `workflows.complete`.
    weights_sum: SHA-256 of weights.safetensors as it was when the study was loaded.
    code: package.module:function that makes the network, as the user named it; "": no code of theirs is imported.
    vectors: names of the weights that are scales, shifts or biases.
    """

    folder: Path
    metadata: StudyMetadata
    training: pd.DataFrame
    accuracies: Accuracies | None
    timing: pd.DataFrame | None
    search: pd.DataFrame | None = None
    episodes: pd.DataFrame | None = None
    weights_sum: str = ""
    code: str = ""
    vectors: frozenset[str] = frozenset()

    @classmethod
    def load(cls, folder: Path | str) -> Study:
        """Read and check everything in `folder`, a path or the name of a study that is known; raises StudyError."""
        folder = find_folder(folder) if isinstance(folder, str) else folder
        check_name(folder.resolve().name, domain=True)
        if not folder.is_dir():
            raise StudyError(f"no study lies in {folder}: there is no such folder")
        metadata = read_metadata(file_inside(folder, "study.json"))
        tables = read_tables(folder, metadata)
        weights_sum, vectors = check_weights(folder, metadata.layers, metadata.config, metadata.sums)
        return cls(folder, metadata, *tables, weights_sum, vectors=vectors)

    @classmethod
    def create(
        cls,
        folder: Path,
        model: nn.Sequential,
        config: MetaTrainConfig,
        source: Source,
        *,
        command: str = "",
        started_from: Mapping[str, str] | None = None,
        half: bool = False,
    ) -> Study:
        """Start a study with a network as it is: nothing is trained, all of it may be measured. Imports torch.

        folder: of the new study. config: backbone names where the network came from (package.module:function); dataset,
        ways, shots, steps, lr and query_statistics say what it is adapted to and how. source: of its images.
        started_from: file and sha256 of the weights. half: written in half precision, which is then what the study
        adapts. Raises StudyError where the folder holds a study already,
        ModelError for a model that cannot be adapted exactly, DataError where there are too few classes or images.
        """
        check_name(folder.name)
        if (folder / "study.json").exists():
            settle(folder)
            raise StudyError(f"{folder} holds a study already; name another folder")
        metadata = new_metadata(folder.name, model, config, source, command=command, started_from=started_from)
        commit(
            folder, metadata, {"training": no_training()}, _halved(model.state_dict()) if half else model.state_dict()
        )
        return cls.load(folder)

    @property
    def accuracy(self) -> pd.DataFrame | None:
        """The accuracies (0 to 1) on all classes, a row an adaptation, as a table made anew; None until measured."""
        return None if self.accuracies is None else self.accuracies.frame()

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def title(self) -> str:
        """Such as `CIFAR-FS · 5-way 1-shot · 4-CONV`, with what in its training differs from plain MAML."""
        return title_of(self.metadata)

    @property
    def dataset(self) -> str:
        """Name of the data set that the study's numbers are of: where it was trained, if not measured elsewhere."""
        return self.config.dataset if self.metadata.domain is None else str(self.metadata.domain.name)

    @property
    def reference_steps(self) -> int:
        """Inner steps of the full pattern that all is compared with: those of the training.

        On other images, where more steps pay than in training: as many as were swept, so that a choice is compared with
        what adapting all layers can give there.
        """
        if self.metadata.domain is None or self.sweep_config is None:
            return self.config.steps
        return self.sweep_config.max_steps

    @property
    def config(self) -> MetaTrainConfig:
        """The settings of the training."""
        return self.metadata.config

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the backbone's layers: the columns of a pattern."""
        return self.metadata.layers

    @property
    def layers_with_scales(self) -> tuple[str, ...]:
        """Those of `layers` that a pattern's `n` can stand for: they own scales, shifts or biases that may change."""
        frozen = (self.metadata.network or {}).get("frozen")
        names = frozen if isinstance(frozen, list) else []  # not checked until the network is made
        owners = {name.split(".")[0] for name in self.vectors if name not in names}
        return tuple(layer for layer in self.layers if layer in owners)

    @property
    def has_finer_patterns(self) -> bool:
        """Whether scale and shift of a layer alone were measured, too."""
        return self.accuracies is not None and any("n" in text for text in self.accuracies.keys["pattern"].unique())

    @property
    def layer_costs(self) -> list[int] | None:
        """Forward multiply-adds of each layer for one support set, or None where not recorded."""
        costs = self.metadata.layer_multiply_adds
        return None if costs is None else list(costs)

    @property
    def input(self) -> tuple[int, int]:
        """(size, channels) of the images that the backbone takes."""
        return self.metadata.input_size, self.metadata.input_channels

    @property
    def sweep_config(self) -> SweepConfig | None:
        """How the accuracies were measured; None until they are."""
        return None if self.metadata.sweep is None else self.metadata.sweep.settings

    @property
    def timing_config(self) -> TimingConfig | None:
        """How the times were measured; None until they are."""
        return None if self.metadata.timing is None else self.metadata.timing.settings

    @property
    def has_all_patterns(self) -> bool:
        """Whether a sweep and its timing measured every per-layer pattern, not some that were chosen beforehand."""
        settings = (self.sweep_config, self.timing_config)
        return all(each is None or each.patterns in ("", "all") for each in settings)

    @property
    def ends_with_all_layers(self) -> bool:
        """Whether the training's inner loop updated all layers, at the end at least."""
        return ends_with_all_layers(self.metadata)

    @property
    def checked(self) -> bool:
        """Every file agrees with the checksum that study.json lists; no: it lists none, an older version wrote it."""
        return self.metadata.sums is not None

    def peak(self, pattern: str, steps: int) -> Peak | None:
        """The most bytes at once of a candidate's adaptation, as last counted; None: not counted."""
        if self.timing is None:
            return None
        rows = self.timing[(self.timing["pattern"] == pattern) & (self.timing["steps"] == steps)]
        parts = rows[["weight_bytes", "kept_bytes", "workspace_bytes"]]
        counted = parts[parts.any(axis=1)]
        return None if counted.empty else Peak(*map(int, counted.iloc[-1]))

    @property
    def measured(self) -> bool:
        """Both tables that a selection needs are there, and hold the reference: the study's own number of steps."""
        return self.not_measured is None

    @property
    def not_measured(self) -> str | None:
        """Which table a selection still lacks and what makes it, as a sentence; None where nothing is missing."""
        if self.config.ways == 1:
            return f"{self.name} is a regression: it has no accuracies to choose by"
        if self.accuracies is None:
            return f"{self.name} has no accuracies yet; make them with: lambda-core sweep {self.folder}"
        if self.sweep_config is not None and self.sweep_config.max_steps < self.config.steps:
            return self._too_short(self.sweep_config.max_steps)
        if self.timing is None:
            return f"{self.name} has no times yet; make them with: lambda-core time {self.folder}"
        return None

    def _too_short(self, steps: int) -> str:
        return (
            f"{self.name} was swept for at most {steps} steps, but its reference takes {self.config.steps}; "
            f"sweep it again with: lambda-core sweep {self.folder} --max-steps {self.config.steps}"
        )

    def check_sweep(self, config: SweepConfig) -> None:
        """Raises StudyError for a sweep that would leave out the reference."""
        if config.max_steps < self.config.steps:
            raise StudyError(
                f"a sweep of at most {config.max_steps} would leave out what all is compared with, the full pattern at "
                f"{self.config.steps} steps; set max steps to {self.config.steps} or more"
            )

    def measurements(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(accuracy, timing). Raises StudyError that names the missing table and the command that makes it."""
        times = self.times()
        return self._measured().frame(), times

    def times(self) -> pd.DataFrame:
        """The times of a study that a choice can be made on. Raises what `measurements` raises."""
        if self.not_measured or self.timing is None:
            raise StudyError(str(self.not_measured))
        return self.timing

    @property
    def most_steps(self) -> int:
        """The largest number of steps that was swept. Raises StudyError where there are no accuracies yet."""
        return int(self._measured().keys["steps"].max())

    @property
    def step_sizes(self) -> list[float]:
        """The step sizes that were swept, the smallest first. Raises StudyError where there are no accuracies yet."""
        return [float(str(each)) for each in np.unique(self._measured().keys["lr"])]

    def _measured(self) -> Accuracies:
        if self.accuracies is None:
            raise StudyError(str(self.not_measured))
        return self.accuracies

    def split(self, name: str) -> pd.DataFrame:
        """The accuracies on `val` or `test` classes, a row an adaptation. Raises StudyError where there are none."""
        return self._measured().split(name)

    def scores(self, name: str) -> Scores:
        """The accuracies on `val` or `test` classes as arrays, for less memory and time than their table takes.

        Raises StudyError where there are none yet.
        """
        return self._measured().scores(name)

    def classes(self, split: str) -> NDArray[np.int64] | None:
        """(episodes, ways) places in the split's list of classes; episodes in the order of `split(name)`.

        None where the sweep did not note them. Raises StudyError where there are no accuracies yet.
        """
        order = self.scores(split).episodes
        if self.episodes is None:
            return None
        rows = self.episodes[self.episodes["split"] == split].sort_values("episode", kind="stable")
        places = rows["class"].to_numpy(np.int64).reshape(-1, self.config.ways)
        found: NDArray[np.int64] = places[np.searchsorted(rows["episode"].to_numpy()[:: self.config.ways], order)]
        return found

    @property
    def unlike(self) -> str | None:
        """A sentence where the images of the study's numbers look unlike those of its training, as far as noted."""
        return self.unlike_its_training(f"The images of {self.dataset}", self.metadata.measured_on.looks)

    def unlike_its_training(self, images: str, looks: Looks | None) -> str | None:
        """The sentence, of images that look so. images: what to call them."""
        learned = self.metadata.dataset.looks
        words = looks.unlike(learned) if learned and looks else None
        return None if words is None else f"{images} are {words}."

    @property
    def warnings(self) -> list[str]:
        """What a reader of this study's numbers must know: sentences, mostly none."""
        found = [
            f"{self.name} holds {name}.parquet, but study.json does not say how it was made: it is passed over; "
            f"make it again with: lambda-core {COMMANDS[name]} {self.folder}"
            for name in untold(self.folder, self.metadata)
        ]
        found += [
            f"{self.name} lacks the {name}.parquet that study.json lists; make it with: lambda-core {COMMANDS[name]} "
            f"{self.folder}"
            for name in missing(self.folder, self.metadata)
        ]
        found += [self.unlike] if self.unlike else []
        versions = self.metadata.torch_versions()
        if len(set(versions.values())) < 2:
            return found
        parts = ", ".join(f"{part} {version}" for part, version in versions.items())
        return [*found, f"This study was made under several versions of torch ({parts}); measure it again under one."]

    def with_code(self, backbone: str) -> Study:
        """The same study, its network to be made by the user's own package.module:function: `model` imports it."""
        return replace(self, code=backbone)

    @property
    def needs_code(self) -> bool:
        """Whether the network can only be made by code of the user's, which is never imported unless they name it."""
        return is_own(self.config.backbone) and self.metadata.network is None

    @property
    def serves_any_ways(self) -> bool:
        """Whether the head's rows are equal, as before any learning: then it can have any number. Imports torch."""
        try:
            self.model(self.config.ways + 1)
        except StudyError:
            return False
        return True

    def statistics_for(self, asked: str) -> str:
        """The query statistics in use where these are asked for: a network with stored ones has no others."""
        return "stored" if self.config.query_statistics == "stored" else asked

    def model(self, ways: int | None = None) -> nn.Sequential:
        """The backbone with the meta-learned weights; imports torch.

        ways: outputs of another number, for a head that has learned nothing yet. Raises StudyError if names or shapes
        differ, where the head is learned, and where code of the user's is needed that was not named.
        """
        from safetensors.torch import load

        from lambda_core.backbones import with_ways

        path = self.folder / "weights.safetensors"
        content = read_file(self.folder, path.name, self.metadata.sums, MAX_WEIGHTS_BYTES)
        try:
            model = self._network(load(content))
        except StudyError:
            raise
        except Exception as error:  # safetensors and torch raise their own, undocumented kinds
            raise StudyError(
                f"{path} does not fit the backbone of study.json: {' '.join(str(error).split())}"
            ) from error
        try:
            return model if ways is None else with_ways(model, ways)
        except ModelError as error:
            raise StudyError(f"{self.name}: {error}") from error

    def check_code(self) -> None:
        """Raises StudyError where the network can only be made by code of the user's that they did not name."""
        if self.needs_code and not self.code:
            raise StudyError(
                f"the network of {self.name} is made by {self.config.backbone}, which is not imported from a study; "
                f"measure it on the command line: lambda-core sweep {self.folder} --backbone {self.config.backbone}"
            )

    def _network(self, weights: dict[str, Tensor]) -> nn.Sequential:
        from lambda_core.backbones import build_model, fill, from_description, new_network

        if self.metadata.network is not None:
            return from_description(self.metadata.network, weights)
        self.check_code()
        make, config = (new_network, self.config.but(backbone=self.code)) if self.code else (build_model, self.config)
        model = make(config, *self.input)
        fill(model, weights)
        return model


def _halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
