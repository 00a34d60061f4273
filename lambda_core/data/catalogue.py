"""What data sets there are, and the facts of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lambda_core.data.dataset import SPLITS, ImageDataset
from lambda_core.data.prepared import FETCHABLE, FILES, data_root, how_to_get, is_name, load_dataset
from lambda_core.errors import DataError


@dataclass(frozen=True)
class DatasetInfo:
    """state: built in, prepared, not fetched or damaged; summary: one line for a person."""

    name: str
    state: str
    summary: str


def list_datasets(root: str | Path | None = None) -> list[DatasetInfo]:
    """The built-in ones, those that can be fetched, and every other folder of `data_root(root)`, by name."""
    home = data_root(root)
    present = _folders(home)
    others = sorted(present - {*FETCHABLE, "glyphs", "sinusoid"})
    sinusoid = DatasetInfo("sinusoid", "built in", "the MAML paper's regression; no images, curves drawn as needed")
    glyphs = DatasetInfo("glyphs", "built in", summary(load_dataset("glyphs")))
    return [glyphs, sinusoid, *(_info(name, home, name in present) for name in (*FETCHABLE, *others))]


def _folders(home: Path) -> set[str]:
    """Names of the folders that are, or were meant to be, prepared data sets."""
    try:
        folders = [path for path in home.iterdir() if path.is_dir()] if home.is_dir() else []
    except OSError as error:
        raise DataError(f"{home} cannot be read: {error.strerror}") from error
    return {path.name for path in folders if is_name(path.name) and _is_meant(path)}


def _is_meant(folder: Path) -> bool:
    """Whether it holds a file of a data set; one that may not be read is told, not passed over."""
    try:
        return any((folder / file).exists() for file in FILES)
    except PermissionError:
        return True


def describe(dataset: ImageDataset) -> dict[str, Any]:
    """The facts of a data set, flat and fit for JSON; size in pixels. The fingerprint reads every image once."""
    counts = np.bincount(dataset.labels)
    return {
        "name": dataset.name,
        "source": dataset.source,
        "images": len(dataset.images),
        "size": dataset.size,
        "channels": dataset.channels,
        "classes": len(dataset.classes),
        **{f"{split}_classes": len(dataset.splits[split]) for split in SPLITS},
        "smallest_class": dataset.classes[int(counts.argmin())],
        "fewest_images": int(counts.min()),
        "fingerprint": dataset.fingerprint(),
    }


def summary(dataset: ImageDataset) -> str:
    splits = " / ".join(str(len(dataset.splits[split])) for split in SPLITS)
    shape = f"{dataset.size}×{dataset.size}×{dataset.channels}"
    return f"{len(dataset.images):,} images {shape}, classes {splits} (train / val / test)"


def _info(name: str, home: Path, present: bool) -> DatasetInfo:
    if not present:
        return DatasetInfo(name, "not fetched", how_to_get(name))
    try:
        return DatasetInfo(name, "prepared", summary(load_dataset(name, home)))
    except DataError as error:
        return DatasetInfo(name, "damaged", str(error))
