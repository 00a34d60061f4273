"""Writing prepared data sets: into a folder beside the target, checked by loading it, renamed. Never half a one."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_core.data.prepared import FILES, load_folder
from lambda_core.errors import DataError
from lambda_core.system import OWN, finishing, hold, own_sum, remove_if_left, sum_of_file, write_json, write_with


@dataclass(frozen=True)
class Draft:
    """A data set about to be written. pieces: uint8 arrays that, one after the other, make up images of `shape`."""

    name: str
    source: str
    classes: tuple[str, ...]
    splits: dict[str, tuple[str, ...]]
    labels: NDArray[np.int64]
    shape: tuple[int, int, int, int]
    pieces: Iterable[NDArray[np.uint8]]


def write_dataset(draft: Draft, root: Path, *, replace: bool = False) -> Path:
    """Write `<root>/<name>/` and return it; an existing folder is an error unless `replace`.

    Raises DataError, and leaves nothing behind, where the disk refuses or the result does not load.
    """
    target = root / draft.name
    if not replace:
        refuse_taken(target)
    try:
        with part_folder(root, draft.name) as part:
            _fill(part, draft)
            load_folder(part, draft.name)
            _publish(part, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{draft.name} could not be written to {root}: {reason}; nothing was left behind") from error
    return target


def refuse_taken(target: Path) -> None:
    """Raises DataError where the folder of a data set is there already."""
    if target.exists():
        raise DataError(f"{target} is already there; choose another name, or remove that folder first")


@contextmanager
def part_folder(root: Path, name: str) -> Iterator[Path]:
    """A hidden folder beside `<root>/<name>`, removed at the end unless it was renamed.

    What killed processes left there under such names goes first. Raises DataError where the disk refuses.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_left(root, name)
        part = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=root))
    except OSError as error:
        raise DataError(f"{root} cannot be written: {error.strerror or error}") from error
    handle = os.open(part, os.O_RDONLY)
    hold(handle)
    try:
        yield part
    finally:
        with finishing(lambda: None) as stop_if_asked:  # asked to stop twice, it is removed all the same
            os.close(handle)
            shutil.rmtree(part, ignore_errors=True)
            stop_if_asked()


def remove_left(root: Path, name: str) -> None:
    """Remove the hidden folders that killed processes left there under such a name."""
    for old in root.glob(f".{name}.*.part"):
        remove_if_left(old, shutil.rmtree)


def _fill(part: Path, draft: Draft) -> None:
    about: dict[str, Any] = {"name": draft.name, "source": draft.source, "classes": draft.classes}
    write_with(part / "images.npy", lambda path: _write_images(path, draft))
    write_with(part / "labels.npy", lambda path: _write_labels(path, draft.labels))
    sums = {file: sum_of_file(part / file) for file in FILES if file != "dataset.json"}
    about = json.loads(json.dumps({**about, "splits": draft.splits, "files": sums}))  # lists, as they are read back
    write_json(part / "dataset.json", about | {OWN: own_sum(about)})
    part.chmod(0o755)


def _write_images(path: Path, draft: Draft) -> None:
    """Piece by piece: all images together may not fit in memory, and a full disk under a memory map is a crash."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": draft.shape})
        for piece in draft.pieces:
            file.write(np.ascontiguousarray(piece, np.uint8).tobytes())


def _write_labels(path: Path, labels: NDArray[np.int64]) -> None:
    with path.open("wb") as file:
        np.save(file, labels.astype(np.int64), allow_pickle=False)


def _publish(part: Path, target: Path) -> None:
    """Rename `part` to `target`; what stood there goes only once the new one is whole."""
    if not target.exists():
        part.rename(target)
        return
    others = sorted(path.name for path in target.iterdir() if path.name not in FILES)
    if others:
        raise DataError(f"{target} holds {others[0]!r}, which is no part of a data set; remove that folder first")
    with part_folder(target.parent, target.name) as old:
        target.rename(old / target.name)
        part.rename(target)
