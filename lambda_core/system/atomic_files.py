"""Files that are there whole or not at all: written to a temporary name beside the target, fsynced, renamed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`; renamed to `path` if the block ends well, removed if it fails.

    What a killed process left there under such a name goes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob_safe(path.name)}.*.part"):
        remove_if_left(left)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        hold(handle)
        yield temporary
        _sync(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def hold(handle: int) -> None:
    """Mark an open file as in use for as long as this process lives: see `remove_if_left`."""
    with contextlib.suppress(OSError):  # a file system without locks: then nothing is ever removed
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove_if_left(path: Path, remove: Callable[[Path], object] = Path.unlink) -> None:
    """Remove a temporary file or folder that no living process holds."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(path)
    except OSError:  # its owner is at work, or has just removed it
        pass
    finally:
        os.close(handle)


def glob_safe(name: str) -> str:
    """The name with its signs that a pattern of file names gives a meaning to put in brackets."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def write_with(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a temporary file, then rename it to `path`."""
    with replaced(path) as temporary:
        write(temporary)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON (UTF-8); NaN and infinities are refused, since JSON has none."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_with(path, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))


def rename_folder(part: Path, target: Path) -> None:
    """Rename a folder whose files were just written, so that no power cut leaves half of them under the new name."""
    for path in [*part.rglob("*"), part]:
        _sync(path)
    part.rename(target)
    _sync(target.parent)


def first_line(error: BaseException) -> str:
    """The first line of an error's own text, short enough for a sentence of ours."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
