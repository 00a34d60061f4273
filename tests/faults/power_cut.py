"""A power cut, as a file system may show it: what was not synced is lost, between any two of a program's file calls.

Within a child process the calls by which files appear (fsync, rename, unlink, mkdir, rmdir) are counted. At the n-th it
is sent a signal, or the power goes: the process is killed, files below its folder that were written and not synced are
cut short, and renames that were not synced (by an fsync of their folder) are undone, or not: a coin is tossed for each.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Mark = tuple[int, int]  # size, time of change
CALLS = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir")


@dataclass
class State:
    """Of this process. renames: (from, to, copy of what was replaced), since their folder was last synced."""

    folder: Path = Path()
    cut: int = 0
    signal: int = 0
    moments: int = 0
    syncs: int = 0
    coin: random.Random = field(default_factory=random.Random)
    before: dict[Path, Mark] = field(default_factory=dict)
    synced: dict[int, Mark] = field(default_factory=dict)  # by inode
    renames: list[tuple[Path, Path, bytes | None]] = field(default_factory=list)


_state = State()
_real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}


def install(folder: Path, cut: int, number: int, seed: int, count: Path) -> None:
    """Count from here on; cut: the call before which the signal of this number comes, or, where that is 0, the power
    goes; 0: never."""
    _state.folder, _state.cut, _state.signal, _state.coin = folder, cut, number, random.Random(seed)
    _state.before = {path: _mark(path) for path in _files()}
    count.unlink(missing_ok=True)
    for name in CALLS:
        setattr(os, name, _counted(name))


def write_count(count: Path) -> None:
    """How many moments there were; unsaid where permissions bind."""
    with contextlib.suppress(PermissionError):
        count.write_text(str(_state.moments))


def _counted(name: str) -> Callable[..., Any]:
    def call(*given: Any, **options: Any) -> Any:
        _state.moments += 1
        if _state.moments == _state.cut:
            os.kill(os.getpid(), _state.signal) if _state.signal else _go_dark()
        if name == "fsync":
            _refuse_if_full()
            _note_synced(given[0])
        if name in ("replace", "rename"):
            _note_rename(Path(given[0]), Path(given[1]))
        return _real[name](*given, **options)

    return call


def _refuse_if_full() -> None:
    """LAMBDA_TEST_FULL=n: from the n-th sync on the disk is full, as a file system tells that keeps what is written."""
    full = int(os.environ.get("LAMBDA_TEST_FULL", "0"))
    _state.syncs += 1
    if full and _state.syncs >= full:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _note_synced(handle: int) -> None:
    status = os.fstat(handle)
    _state.synced[status.st_ino] = (status.st_size, status.st_mtime_ns)
    there = Path(f"/proc/self/fd/{handle}").readlink()
    _state.renames = [each for each in _state.renames if each[1].absolute().parent != there]


def _note_rename(source: Path, target: Path) -> None:
    replaced = target.read_bytes() if target.is_file() else None
    _state.renames.append((source, target, replaced))


def _go_dark() -> None:
    for path in _files():
        _lose_unsynced(path)
    for source, target, replaced in reversed(_state.renames):
        if target.exists() and not source.exists() and _state.coin.random() < 0.5:
            _undo(source, target, replaced)
    os.kill(os.getpid(), signal.SIGKILL)


def _lose_unsynced(path: Path) -> None:
    mark = _mark(path)
    if _state.before.get(path) != mark and _state.synced.get(path.stat().st_ino) != mark:
        os.truncate(path, mark[0] // 2)


def _undo(source: Path, target: Path, replaced: bytes | None) -> None:
    source.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(target, source)
    if replaced is not None:
        target.write_bytes(replaced)


def _files() -> list[Path]:
    return [path for path in _state.folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _mark(path: Path) -> Mark:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
