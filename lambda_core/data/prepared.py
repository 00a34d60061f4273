"""Prepared data sets on disk: `<root>/<name>/` with images.npy, labels.npy and dataset.json."""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from lambda_core.data.dataset import ImageDataset, check_shapes
from lambda_core.errors import DataError
from lambda_core.system import OWN, first_line, own_sum, sum_of_file

FETCHABLE = ("cifar-fs", "fc100", "omniglot")
FILES = ("images.npy", "labels.npy", "dataset.json")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SHOWN_TOO = "\u200c\u200d\u00a0\u202f"  # zero-width non-joiner and joiner, no-break spaces
_LARGEST_JSON = 64 * 2**20  # bytes; a million class names fit


def load_dataset(name: str, root: str | Path | None = None) -> ImageDataset:
    """The built-in glyphs, or a prepared data set of `data_root(root)`, checked, its images memory-mapped.

    Raises DataError in one sentence: which part is missing or wrong, and where one can get it.
    """
    check_name(name)
    if name == "glyphs":
        from lambda_core.data.glyphs import load_glyphs

        return load_glyphs()
    if name == "sinusoid":
        raise DataError("sinusoid has no images: it draws its curves as it goes; it needs no loading")
    return load_folder(data_root(root) / name)


def data_root(root: str | Path | None = None) -> Path:
    """Where prepared data sets live: `root`, else $LAMBDA_DATA, else the user's cache folder; ~ is the home folder."""
    return Path(root or os.environ.get("LAMBDA_DATA") or platformdirs.user_cache_dir("lambda-lab")).expanduser()


def is_name(name: object) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """The name itself if it may become a folder's name; nothing else reaches the disk."""
    if not is_name(name):
        raise DataError(f"{name!r} is no name of a data set: small letters, digits and hyphens are right, up to 64")
    return name


def can_be_shown(name: str) -> bool:
    """Whether a class's name is text for a screen; joiners, as in Persian and emoji, and no-break spaces are."""
    return all(sign.isprintable() or sign in _SHOWN_TOO for sign in name)


def load_folder(folder: Path, name: str | None = None) -> ImageDataset:
    """Load and check one prepared folder; `name`: what it must be called (the folder's name)."""
    name = name or folder.name
    if not folder.is_dir():
        raise DataError(f"{name} is not in {folder.parent}; {how_to_get(name)}")
    _check_files(folder, name)
    about = _read_about(folder / "dataset.json", name)
    images, labels = _read_array(folder / "images.npy"), _read_array(folder / "labels.npy")
    check_shapes(name, images, labels)  # before any is read through: files of holes may claim a billion
    for file, wanted in about.get("files", {}).items():
        if _sum_at(folder / file, *_stamp(folder / file)) != wanted:
            raise DataError(f"{folder / file} is damaged or was replaced: dataset.json lists another checksum")
    splits = {split: tuple(names) for split, names in about["splits"].items()}
    return ImageDataset(name, about["source"], images, labels, tuple(about["classes"]), splits)


def _check_files(folder: Path, name: str) -> None:
    try:
        missing = [folder / file for file in FILES if not (folder / file).is_file()]
    except PermissionError as error:
        raise DataError(f"{name}: {folder} cannot be read: {first_line(error)}") from error
    if missing:
        raise DataError(f"{name}: {missing[0]} is missing; {how_to_get(name)}")


def how_to_get(name: str) -> str:
    if name in FETCHABLE:
        return f"`lambda-core data fetch {name}` downloads it"
    return "`lambda-core data list` shows what there is, `lambda-core data import` makes one of your own images"


def _read_array(path: Path) -> NDArray[Any]:
    """Memory-mapped always: a header that promises more than the file holds then fails before it costs memory."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # the header is Python's own text: bytes from anywhere raise nearly anything
        raise DataError(f"{path} is no readable array of numbers: {first_line(error)}") from error
    if path.stat().st_size != array.offset + array.nbytes:
        raise DataError(f"{path} is damaged: it is longer than the array that its header tells of")
    return array


def _stamp(path: Path) -> tuple[int, int]:
    mark = path.stat()
    return mark.st_mtime_ns, mark.st_size


@lru_cache(maxsize=256)
def _sum_at(path: Path, changed: int, size: int) -> str:  # noqa: ARG001 (a file is read once for as long as it stays)
    try:
        return sum_of_file(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {first_line(error)}") from error


def _read_about(path: Path, name: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise DataError(f"{path} is larger than {_LARGEST_JSON // 2**20} MB, which no description is")
        about = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors put a byte-order mark first
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path} is no readable JSON: {first_line(error)}") from error
    _check_about(path, about)
    if ("files" in about or OWN in about) and about.get(OWN) != own_sum(about):
        raise DataError(
            f"{path} is damaged or was edited: it does not agree with its own checksum; prepare the data set anew, or "
            f"remove the keys 'files' and {OWN!r} if you edited it"
        )
    if about["name"] != name:
        raise DataError(f"{path} describes {about['name']!r}, not {name!r}: a folder has the name of its data set")
    return about  # type: ignore[no-any-return]


def _check_about(path: Path, about: Any) -> None:
    if not isinstance(about, dict):
        raise DataError(f"{path} must hold an object with name, source, classes and splits")
    for key, kind in {"name": str, "source": str, "classes": list, "splits": dict}.items():
        if not isinstance(about.get(key), kind):
            raise DataError(f"{path}: {key!r} is missing or not of type {kind.__name__}")
    files = about.get("files", {})
    if not isinstance(files, dict) or not set(files) <= {"images.npy", "labels.npy"}:
        raise DataError(f"{path}: 'files' must list the SHA-256 of images.npy and labels.npy")
    for key, names in (("classes", about["classes"]), *about["splits"].items()):
        if not isinstance(names, list) or not all(map(_is_class_name, names)):
            raise DataError(f"{path}: {key!r} must be a list of class names, of characters that can be shown")


def _is_class_name(name: object) -> bool:
    return isinstance(name, str) and name != "" and can_be_shown(name)
