"""What study.json says: what a study is and how it was made, as typed values, checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from lambda_core.config import MetaTrainConfig, SearchConfig, Settings, SweepConfig, TimingConfig
from lambda_core.data import ImageDataset, Looks, looks_of
from lambda_core.errors import StudyError
from lambda_core.studies.metadata_checks import (
    input_shape,
    known_values,
    layer_costs,
    layer_names,
    name_in,
    of_type,
    settings_of,
)
from lambda_core.studies.sums import FILES, listed_sums

SCHEMA = 3  # 2: times of one machine, episodes without classes; 1: some settings under other names (config.py)
FILE = Path("study.json")
ENVIRONMENT_KEYS = {"torch": str, "device": str, "processor": str, "threads": int, "python": str, "platform": str}
DATASET_KEYS = {
    "name": str, "source": str, "fingerprint": str, "brightness": float, "contrast": float, "inverted": bool,
}  # fmt: skip
PRETRAINING_KEYS = {"seconds": float, "loss": float, "accuracy": float}

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class DatasetRecord:
    """The data set that a study was trained on, or was measured on; None: not noted.

    fingerprint: `ImageDataset.fingerprint`. brightness, contrast: `Looks` of what the network was shown. inverted: dark
    and light were swapped for it.
    """

    name: str | None = None
    source: str | None = None
    fingerprint: str | None = None
    brightness: float | None = None
    contrast: float | None = None
    inverted: bool = False

    @property
    def looks(self) -> Looks | None:
        """How its images look, where that was noted."""
        if self.brightness is None or self.contrast is None:
            return None
        return Looks(self.brightness, self.contrast)

    @classmethod
    def of(cls, images: ImageDataset, splits: tuple[str, ...], *, inverted: bool = False) -> DatasetRecord:
        """Of a data set, fitted to a network, of which these splits are used."""
        looks = looks_of(images, splits)
        known = {} if looks is None else vars(looks)
        return cls(images.name, images.source, images.fingerprint(), **known, inverted=inverted)

    def to_dict(self) -> dict[str, Any]:
        """What was noted."""
        return {name: value for name, value in vars(self).items() if value is not None and value is not False}


@dataclass(frozen=True)
class Environment:
    """The machine and the software that a number was made with; None where it was not noted."""

    torch: str | None = None
    device: str | None = None
    processor: str | None = None
    threads: int | None = None
    python: str | None = None
    platform: str | None = None

    @property
    def timed_on(self) -> str | None:
        """What adapts: the GPU where one was used, else the processor."""
        return self.processor if self.device in (None, "cpu") else self.device

    @property
    def torch_version(self) -> str | None:
        """Without the build: +cpu and +cu130 are builds of one version."""
        return None if self.torch is None else self.torch.split("+")[0]


@dataclass(frozen=True)
class Pretraining:
    """The classification before meta-training: its seconds, last loss and training accuracy (0 to 1), where noted."""

    seconds: float | None = None
    loss: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Measurement(Generic[S]):
    """How a table was measured: its settings, and where, if that was noted."""

    settings: S
    environment: Environment | None = None

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dictionary, with "environment" beside them where it was noted."""
        return self.settings.to_dict() | ({"environment": vars(self.environment)} if self.environment else {})


@dataclass(frozen=True)
class StudyMetadata:
    """study.json as values. content: all of it as it is on disk, keys that this version does not know included.

    config: settings of the training. pretraining: None where there was none.
    sweep, timing, search: how these tables were measured, None until they are.
    input_size, input_channels: of the images that the backbone takes. layers: names, a pattern's columns.
    layer_multiply_adds: of each layer's forward pass for one support set, None where not recorded.
    dataset: that of the training. domain: the other data set that all is measured on; None: it is the same.
    group: of several trainings of one recipe, each a study; None: one alone.
    environment: of the training. commands: what made the study. created: ISO 8601. iterations_done: of the training.
    sums: SHA-256 of each file of the study; None where an older version wrote it.
    network: the modules of a network of the user's (`backbones.described`), not checked until it is made; None: one of
    ours, or one that needs its own code. started_from: the file that the weights came from, and its SHA-256.
    """

    name: str
    config: MetaTrainConfig
    pretraining: Pretraining | None
    sweep: Measurement[SweepConfig] | None
    timing: Measurement[TimingConfig] | None
    search: Measurement[SearchConfig] | None
    dataset: DatasetRecord
    input_size: int
    input_channels: int
    layers: tuple[str, ...]
    layer_multiply_adds: tuple[int, ...] | None
    environment: Environment
    commands: tuple[str, ...]
    created: str
    iterations_done: int
    group: str | None
    content: Mapping[str, Any] = field(repr=False)
    domain: DatasetRecord | None = None
    sums: Mapping[str, str] | None = None
    network: Mapping[str, Any] | None = field(default=None, repr=False)
    started_from: Mapping[str, str] | None = None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], path: Path = FILE) -> StudyMetadata:
        """Check the content of a study.json. path: named in errors. Raises StudyError."""
        schema = content.get("schema")
        if type(schema) is not int or not 1 <= schema <= SCHEMA:
            raise StudyError(f"{path}: schema {schema!r} is not known; this version reads 1 to {SCHEMA}")
        config = _measurement(path, content, "config", MetaTrainConfig)
        if config is None:
            raise StudyError(f"{path} lacks 'config', the settings of its training")
        dataset, environment = (of_type(path, content, key, dict) for key in ("dataset", "environment"))
        size, channels = input_shape(path, content.get("input"))
        layers = layer_names(path, content.get("layers"))
        return cls(
            name=name_in(path, content.get("name"), domain=True),
            config=config.settings,
            pretraining=_pretraining(path, content.get("pretraining")),
            sweep=_measurement(path, content, "sweep", SweepConfig),
            timing=_measurement(path, content, "timing", TimingConfig),
            search=_measurement(path, content, "search", SearchConfig),
            dataset=DatasetRecord(**known_values(path, "dataset", dataset, DATASET_KEYS)),
            input_size=size,
            input_channels=channels,
            layers=layers,
            layer_multiply_adds=layer_costs(path, content.get("layer_multiply_adds"), len(layers)),
            environment=Environment(**known_values(path, "environment", environment, ENVIRONMENT_KEYS)),
            commands=tuple(map(str, of_type(path, content, "commands", list))),
            created=of_type(path, content, "created", str),
            iterations_done=of_type(path, content, "iterations_done", int),
            group=None if content.get("group") is None else name_in(path, of_type(path, content, "group", str)),
            content=deepcopy(dict(content)),
            domain=_domain(path, content.get("domain")),
            sums=listed_sums(path, content),
            network=_object(path, content, "network"),
            started_from=_object(path, content, "started_from"),
        )

    def to_dict(self) -> dict[str, Any]:
        """All of study.json, to be written back."""
        return deepcopy(dict(self.content))

    def with_measurement(self, key: str, values: Mapping[str, Any], command: str = "") -> StudyMetadata:
        """The same in the present schema, noting how a table was made, and by which command.

        key: sweep, timing or search. values: the settings as a dictionary, with "environment" beside them where that
        matters.
        """
        noted = self.with_command(command).to_dict()
        return StudyMetadata.from_dict(noted | {key: dict(values)})

    def with_command(self, command: str) -> StudyMetadata:
        """The same in the present schema, noting one more command that made it; "": none."""
        commands = [each for each in self.commands if each != command]
        commands += [command] if command else []
        present = {"schema": SCHEMA, "config": self.config.to_dict(), "commands": commands}
        return StudyMetadata.from_dict(self.to_dict() | present)

    def on(self, domain: DatasetRecord, name: str) -> StudyMetadata:
        """The same model in a study called `name`, of which nothing is measured on this other data set yet."""
        kept = {key: value for key, value in self.to_dict().items() if key not in ("sweep", "search", "group")}
        return StudyMetadata.from_dict(kept | {"schema": SCHEMA, "name": name, "domain": domain.to_dict()})

    def looking_like(self, images: ImageDataset) -> StudyMetadata:
        """The same, noting how the images of the training look. images: those of the training."""
        noted = {} if (looks := looks_of(images, ("train",))) is None else vars(looks)
        return StudyMetadata.from_dict(self.to_dict() | {"dataset": self.to_dict()["dataset"] | noted})

    @property
    def measured_on(self) -> DatasetRecord:
        """The data set that the study's numbers are of."""
        return self.domain or self.dataset

    def with_sums(self, sums: Mapping[str, str]) -> StudyMetadata:
        """The same, listing these checksums."""
        return StudyMetadata.from_dict(self.to_dict() | {FILES: dict(sorted(sums.items()))})

    @property
    def timed_with(self) -> Environment:
        """What the times were taken with; what the training was, where that was not noted."""
        return self.environment if self.timing is None or self.timing.environment is None else self.timing.environment

    def torch_versions(self) -> dict[str, str]:
        """Part of the study (training, sweep, timing) → version of torch that made it, where it was noted."""
        environments = {
            "training": self.environment,
            "sweep": None if self.sweep is None else self.sweep.environment,
            "timing": None if self.timing is None else self.timing.environment,
        }
        return {
            part: environment.torch_version
            for part, environment in environments.items()
            if environment is not None and environment.torch_version is not None
        }


def _domain(path: Path, values: Any) -> DatasetRecord | None:
    if values is None:
        return None
    if not isinstance(values, dict) or not all(isinstance(values.get(key), str) for key in ("name", "fingerprint")):
        raise StudyError(f"{path}: 'domain' must be an object with the name and the fingerprint of a data set")
    return DatasetRecord(**known_values(path, "domain", values, DATASET_KEYS))


def _object(path: Path, content: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    return None if content.get(key) is None else of_type(path, content, key, dict)


def _pretraining(path: Path, values: Any) -> Pretraining | None:
    if not values:
        return None
    if not isinstance(values, dict):
        raise StudyError(f"{path}: 'pretraining' must be of type dict")
    return Pretraining(**known_values(path, "pretraining", values, PRETRAINING_KEYS))


def _measurement(path: Path, content: Mapping[str, Any], key: str, kind: type[S]) -> Measurement[S] | None:
    """The settings under `key`, and the environment noted beside them; None where there are none yet."""
    values = content.get(key)
    if values is None:
        return None
    if not isinstance(values, dict):
        raise StudyError(f"{path}: {key!r} must be an object of settings")
    settings = settings_of(path, key, {name: value for name, value in values.items() if name != "environment"}, kind)
    if not values.get("environment"):
        return Measurement(settings)
    environment = of_type(path, values, "environment", dict)
    return Measurement(settings, Environment(**known_values(path, key, environment, ENVIRONMENT_KEYS)))
