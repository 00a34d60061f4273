"""Checksums of a study's files: study.json lists the SHA-256 of each, and of itself, so that no flipped bit passes.

Studies of older versions list none and are read unchecked; the first measurement, or `lambda-core check --seal`, adds
them.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lambda_core.errors import StudyError
from lambda_core.system import OWN, first_line, own_sum, sum_of

FILES = "files"  # key of study.json: sums by file name
STAGED = ".next"  # folder of files that study.json lists already and that are not yet renamed to their places
LARGEST = 1 << 29  # bytes of a table
_SUM = re.compile(r"[0-9a-f]{64}")


def listed_sums(path: Path, content: Mapping[str, Any]) -> dict[str, str] | None:
    """File name → SHA-256 as a study.json lists them; None where it lists none. Raises StudyError."""
    sums = content.get(FILES)
    if sums is None and OWN not in content:
        return None
    if not isinstance(sums, dict) or not all(isinstance(each, str) and _SUM.fullmatch(each) for each in sums.values()):
        raise StudyError(f"{path}: {FILES!r} must list the SHA-256 of each file of the study")
    return dict(sums)


def check_own_sum(path: Path, content: Mapping[str, Any]) -> None:
    """Raises StudyError where a study.json that lists sums is not as it was written."""
    if (FILES in content or OWN in content) and content.get(OWN) != own_sum(content):
        raise StudyError(
            f"{path} is damaged or was edited: it does not agree with its own checksum; restore it from a copy, or "
            f"remove its keys {FILES!r} and {OWN!r} if you edited it"
        )


def refuse_escape(path: Path, folder: Path) -> None:
    """Raises StudyError where `path` is a link that leads out of `folder`."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise StudyError(f"{path} is a link that leads out of {folder}; a study holds its files itself")


def file_inside(folder: Path, name: str) -> Path:
    """The regular file `name` of the study; a link out of the folder, a pipe or a device is refused unopened."""
    path = folder / name
    try:
        refuse_escape(path, folder)
        mode = path.stat().st_mode
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself, in Python before 3.13
        raise StudyError(f"{path} cannot be read: {first_line(error)}") from error
    if not stat.S_ISREG(mode):
        raise StudyError(f"{path} is no regular file")
    return path


def read_file(folder: Path, name: str, sums: Mapping[str, str] | None, largest: int = LARGEST) -> bytes:
    """The bytes of a file of the study, in one read, checked against its sum where study.json lists sums.

    largest: bytes. Raises StudyError that names the file and the fault.
    """
    wanted = None if sums is None else sums.get(name)
    if wanted is not None and (staged := _staged(folder, name, wanted)) is not None:
        return staged
    path = file_inside(folder, name)
    try:
        if path.stat().st_size > largest:
            raise StudyError(f"{path} is larger than {largest >> 20:,} MB, the most that is read")
        content = path.read_bytes()
    except (OSError, MemoryError) as error:
        raise StudyError(f"{path} cannot be read: {first_line(error)}") from error
    if sums is not None and sum_of(content) != wanted:
        raise StudyError(f"{path} is damaged or was replaced: it is not the file whose checksum study.json lists")
    return content


def is_there(folder: Path, name: str, sums: Mapping[str, str] | None) -> bool:
    """Whether the study has this file: it lies there, and study.json lists it where it lists any."""
    return (sums is None or name in sums) and any(os.path.lexists(folder / each) for each in (name, f"{STAGED}/{name}"))


def _staged(folder: Path, name: str, wanted: str) -> bytes | None:
    """The staged file of this sum: what wrote it was stopped before it could rename it. None where there is none."""
    path = folder / STAGED / name
    if not os.path.lexists(path):
        return None
    file_inside(folder, f"{STAGED}/{name}")
    content = path.read_bytes()
    return content if sum_of(content) == wanted else None
