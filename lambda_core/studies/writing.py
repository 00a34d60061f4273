"""Writing the files of a study, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lambda_core.errors import StudyError
from lambda_core.studies.metadata import StudyMetadata
from lambda_core.studies.tables import first_line, write_table
from lambda_core.system import write_json, write_with

if TYPE_CHECKING:
    import torch


def write_metadata(folder: Path, metadata: StudyMetadata) -> None:
    """Write study.json, keys that this version does not know included. Raises StudyError."""
    _write(folder / "study.json", lambda path: write_json(path, metadata.to_dict()))


def write_training(folder: Path, frame: pd.DataFrame) -> None:
    """iteration, loss, accuracy, val_accuracy (NaN where not validated), seconds. Raises StudyError."""
    write_table(folder, "training", frame)


def write_accuracy(folder: Path, frame: pd.DataFrame) -> None:
    """split, pattern, steps, lr, episode, accuracy (0 to 1), loss; no adaptation: once, at 0 steps. StudyError."""
    write_table(folder, "accuracy", frame)


def write_measured(folder: Path, accuracy: pd.DataFrame, episodes: pd.DataFrame) -> None:
    """A sweep's accuracies and the classes of its episodes: never the classes of another sweep. Raises StudyError."""
    _write(folder / "episodes.parquet", lambda path: path.unlink(missing_ok=True))
    write_accuracy(folder, accuracy)
    write_episodes(folder, episodes)


def write_episodes(folder: Path, frame: pd.DataFrame) -> None:
    """split, episode, class (its place in the split's list): a row a class, in the order of labels. StudyError."""
    write_table(folder, "episodes", frame)


def write_timing(folder: Path, frame: pd.DataFrame) -> None:
    """pattern, steps, repeat, device, threads, milliseconds, multiply_adds, torch, processor. Raises StudyError."""
    write_table(folder, "timing", frame)


def write_search(folder: Path, frame: pd.DataFrame) -> None:
    """The table of `selection.judge_search`, with a column split. Raises StudyError."""
    write_table(folder, "search", frame)


def write_weights(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """Write weights.safetensors from a state dictionary, as contiguous copies on the CPU. Raises StudyError."""
    from safetensors.torch import save_file

    plain = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    _write(folder / "weights.safetensors", lambda path: write_with(path, lambda part: save_file(plain, part)))


def _write(path: Path, write: Callable[[Path], None]) -> None:
    try:
        write(path)
    except Exception as error:  # safetensors wraps a full disk in an error of its own
        raise StudyError(f"{path} cannot be written: {first_line(error)}") from error
