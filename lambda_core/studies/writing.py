"""Writing the files of a study: each whole or not at all, and new files only with the study.json that lists them.
What the study.json of a new one says.

A commit stages new files in a folder beside their places; study.json, with their checksums, is the moment of truth;
then they are renamed. Stopped before that moment, the study is as it was; after it, `read_file` finds the staged ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lambda_core.config import MetaTrainConfig, is_own
from lambda_core.errors import StudyError
from lambda_core.studies.metadata import SCHEMA, DatasetRecord, StudyMetadata
from lambda_core.studies.reading import read_metadata
from lambda_core.studies.sums import STAGED, file_inside, read_file
from lambda_core.studies.tables import TABLES, write_table
from lambda_core.system import OWN, environment, first_line, locked, own_sum, sum_of, write_json, write_with

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lambda_core.episodes import Source

WEIGHTS = "weights.safetensors"
LOCK = ".lock"
KNOWN = (WEIGHTS, *(f"{name}.parquet" for name in TABLES))
Change = Callable[[StudyMetadata], StudyMetadata]


def new_metadata(
    name: str,
    model: nn.Sequential,
    config: MetaTrainConfig,
    source: Source,
    *,
    device: str = "cpu",
    command: str = "",
    **more: Any,
) -> StudyMetadata:
    """What study.json says of a network of which nothing is measured yet; imports torch.

    model: on `device`. source: of its images. more: keys beside these. Raises ModelError for a network that cannot be
    adapted exactly, DataError where a split that is measured has too few classes or images.
    """
    from lambda_core.backbones import described, layer_costs, layer_names

    banks = [source.bank(config, split) for split in ("val", "test")]
    content = {
        "schema": SCHEMA,
        "name": name,
        "config": config.to_dict(),
        "network": described(model) if is_own(config.backbone) else None,
        "sweep": None,
        "timing": None,
        "dataset": _dataset(source).to_dict(),
        "input": dict(zip(("size", "channels"), source.input, strict=True)),
        "layers": list(layer_names(model)),
        "layer_multiply_adds": layer_costs(model, banks[0][0].support_x.to(device)),
        "environment": environment(device),
        "commands": [command] if command else [],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "iterations_done": 0,
    }
    return StudyMetadata.from_dict(content | more)


def no_training() -> pd.DataFrame:
    """The training table of a study that nothing was trained for: where it stands, and no number."""
    return pd.DataFrame({name: [np.nan] for name in TABLES["training"]} | {"iteration": [0], "seconds": [0.0]})


def _dataset(source: Source) -> DatasetRecord:
    if source.images is None:
        return DatasetRecord(source.name, "built in", "sinusoid-1")
    return DatasetRecord.of(source.images, ("train",))


def write_metadata(folder: Path, metadata: StudyMetadata) -> None:
    """Write study.json, keys that this version does not know included, its own checksum anew. Raises StudyError."""
    content = metadata.to_dict()
    if metadata.sums is not None:
        content[OWN] = own_sum(content)
    _write(folder / "study.json", lambda path: write_json(path, content))


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


def commit(
    folder: Path,
    change: Change | StudyMetadata,
    tables: Mapping[str, pd.DataFrame],
    weights: dict[str, torch.Tensor] | None = None,
    *,
    of_weights: str | None = None,
) -> None:
    """Write tables (and weights) with what study.json says of them.

    change: what study.json becomes, from what it is by now: another job's record is kept; StudyMetadata: of a new
    study. of_weights: SHA-256 of the weights that the tables were measured on. Raises StudyError, and leaves the study
    as it was, where the disk refuses or the weights have become others.
    """
    with locked(folder / LOCK, f"{folder} is being written", wait=30.0):
        present = None if isinstance(change, StudyMetadata) else read_metadata(file_inside(folder, "study.json"))
        known = {} if present is None else _present_sums(folder, present)
        if of_weights is not None and known.get(WEIGHTS) != of_weights:
            raise StudyError(f"{folder / WEIGHTS} has changed while it was measured; measure the study again")
        metadata = change if isinstance(change, StudyMetadata) else change(present)  # type: ignore[arg-type]
        _guarded(folder, lambda: _stage(folder, tables, weights))
        staged = [f"{name}.parquet" for name in tables] + ([WEIGHTS] if weights is not None else [])
        sums = known | {name: sum_of((folder / STAGED / name).read_bytes()) for name in staged}
        write_metadata(folder, metadata.with_sums(sums))
        _guarded(folder, lambda: _publish(folder))


def settle(folder: Path) -> None:
    """Rename what a commit had staged that was stopped after its moment of truth, and remove its lock. StudyError."""
    if (folder / STAGED).is_dir() or (folder / LOCK).exists():
        seal(folder)


def seal(folder: Path) -> None:
    """Add checksums to a study of an older version, of its files as they are now. Raises StudyError."""
    commit(folder, lambda metadata: metadata, {})


def _present_sums(folder: Path, metadata: StudyMetadata) -> dict[str, str]:
    """The sums that study.json lists, its staged files renamed first; or, where it lists none, those of the files."""
    if metadata.sums is not None:
        for name, wanted in metadata.sums.items():
            staged = folder / STAGED / name
            if staged.is_file() and sum_of(staged.read_bytes()) == wanted:
                _guarded(folder, lambda staged=staged, name=name: staged.replace(folder / name))  # type: ignore[misc]
        return dict(metadata.sums)
    return {name: sum_of(read_file(folder, name, None)) for name in KNOWN if (folder / name).is_file()}


def _stage(folder: Path, tables: Mapping[str, pd.DataFrame], weights: dict[str, torch.Tensor] | None) -> None:
    shutil.rmtree(folder / STAGED, ignore_errors=True)  # of work that was stopped before the moment of truth
    if tables or weights is not None:
        (folder / STAGED).mkdir(parents=True)
    for name, frame in tables.items():
        write_table(folder / STAGED, name, frame)
    if weights is not None:
        write_weights(folder / STAGED, weights)


def _publish(folder: Path) -> None:
    staged = folder / STAGED
    if staged.is_dir():
        for path in sorted(staged.iterdir()):
            path.replace(folder / path.name)
        staged.rmdir()


def _guarded(folder: Path, work: Callable[[], object]) -> None:
    try:
        work()
    except OSError as error:
        raise StudyError(f"{folder} cannot be written: {first_line(error)}") from error
