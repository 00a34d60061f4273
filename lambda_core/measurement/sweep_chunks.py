"""The files of a sweep: chunks, pure functions of weights, data, settings and their episodes; and whose they are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from lambda_core.config import SweepConfig
from lambda_core.errors import StudyError
from lambda_core.studies import read_file, read_table, write_table
from lambda_core.system import first_line, write_json

CHUNK = 10  # episodes a file: less than a minute of work is lost when a sweep is killed
SWEPT_SPLITS = ("val", "test")


@dataclass(frozen=True)
class Chunk:
    """A few episodes of one split, and the folder of their file."""

    folder: Path
    split: str
    first: int
    count: int

    @property
    def place(self) -> Path:
        short = "" if self.count == CHUNK else f"-{self.count}"  # a longer sweep makes it anew
        return self.folder / f"{self.split}-{self.first:06d}{short}"

    @property
    def is_there(self) -> bool:
        """It was made, and is sound: a damaged one is made again."""
        try:
            return self.place.exists() and len(self.read()) > 0
        except StudyError:
            return False

    def read(self) -> pd.DataFrame:
        """Its rows. Raises StudyError where the file is not theirs."""
        frame = read_table(self.place, "accuracy")
        episodes = range(self.first, self.first + self.count)
        if set(frame["split"]) != {self.split} or sorted(frame["episode"].unique()) != list(episodes):
            raise StudyError(f"{self.place} holds other episodes than its name says")
        return frame

    def write(self, frame: pd.DataFrame) -> None:
        write_table(self.place, "accuracy", frame)

    def within(self, folder: Path) -> Chunk:
        """The same chunk of another folder."""
        return replace(self, folder=folder)

    def __str__(self) -> str:
        return f"{self.split} episodes {self.first} to {self.first + self.count - 1}"


def folder_of_chunks(study_folder: Path) -> Path:
    return study_folder / "checkpoint" / "sweep"


def chunks_of(folder: Path, episodes: int) -> list[Chunk]:
    """All chunks of a sweep over so many episodes a split, in the order of its table."""
    return [
        Chunk(folder, split, first, min(CHUNK, episodes - first))
        for split in SWEPT_SPLITS
        for first in range(0, episodes, CHUNK)
    ]


@dataclass(frozen=True)
class Claim:
    """What decides the content of a folder's chunks, and how many episodes a split were asked for (0: not known).

    config: the settings, without the number of episodes, so that a sweep can be made longer. fingerprint: of weights
    and data, a word each.
    """

    config: dict[str, Any]
    fingerprint: str
    episodes: int = 0

    @classmethod
    def of(cls, config: SweepConfig, fingerprint: str) -> Self:
        settings = config.to_dict()
        return cls(settings, fingerprint, settings.pop("episodes"))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The claim of `folder`; None where there is none yet. Raises StudyError where it is damaged."""
        path = folder / "sweep.json"
        if not path.exists():
            return None
        try:
            content = json.loads(read_file(folder, path.name, None).decode())
            config = {"patterns": "all"} | dict(content["config"])  # older ones do not name it
            return cls(config, str(content["fingerprint"]), int(content.get("episodes", 0)))
        except (StudyError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise StudyError(
                f"{path} is damaged ({first_line(error)}), so nobody knows what its parts belong to; remove {folder} "
                "to sweep anew"
            ) from error

    @property
    def settings(self) -> SweepConfig:
        """The settings of the whole sweep. Raises ConfigError where they are none."""
        return SweepConfig.from_dict(self.config | ({"episodes": self.episodes} if self.episodes else {}))

    def other(self, known: Claim) -> str | None:
        """What sets `known` apart, such as `other weights`; None: its chunks are those of this one."""
        (weights, _, data), (its_weights, _, its_data) = (each.fingerprint.partition(" ") for each in (self, known))
        differing = [name for name, value in self.config.items() if known.config.get(name) != value]
        if weights != its_weights:
            return "other weights"
        if data != its_data:
            return "other data"
        if differing:
            name = differing[0]
            return f"other settings ({name} {known.config.get(name)!r}, not {self.config[name]!r})"
        return None if set(known.config) == set(self.config) else "other settings"

    def take(self, folder: Path) -> None:
        """Say in `folder` that its chunks are these. Raises StudyError where it holds those of another sweep."""
        known = Claim.read(folder)
        if known is not None and (other := self.other(known)):
            raise StudyError(f"{folder} holds parts of another sweep, of {other}; remove it to start anew")
        if known is None or known.episodes < self.episodes:
            self._write(folder / "sweep.json")

    def _write(self, path: Path) -> None:
        try:
            write_json(path, asdict(self))
        except OSError as error:
            raise StudyError(f"{path} cannot be written: {first_line(error)}") from error
