"""Locks between processes, each with an owner: two jobs never write the same files at once.

The system holds the lock for as long as its process lives: killed, it is free again at once, whoever has its number by
then. The file says who holds it, for the sentence that others get.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lambda_core.errors import BusyError, LambdaError
from lambda_core.system.atomic_files import first_line
from lambda_core.system.stopping import finishing


@contextmanager
def locked(path: Path, busy: str, wait: float = 0.0) -> Iterator[None]:
    """Within: this process alone holds the lock file `path`, which is gone afterwards.

    busy: the beginning of the sentence where another has it, such as "my-study is being swept". wait: seconds.
    Raises BusyError that names the owner, LambdaError where no lock can be made there.
    """
    handle = _acquire(path, busy, time.monotonic() + wait)
    try:
        yield
    finally:
        with finishing(lambda: None) as stop_if_asked:
            with contextlib.suppress(OSError):  # the folder may have been removed meanwhile
                path.unlink()
            os.close(handle)
            stop_if_asked()


def _acquire(path: Path, busy: str, end: float) -> int:
    while True:
        handle = _opened(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _owner(handle)
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise LambdaError(f"{path} cannot be locked: {first_line(error)}") from error
            if time.monotonic() >= end:
                raise BusyError(f"{busy} {owner}: wait for its end, or stop it") from None
            time.sleep(0.02)
            continue
        if _is_at(handle, path):  # else its owner removed it just before we had it
            _sign(handle)
            return handle
        os.close(handle)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise LambdaError(f"{path.parent} cannot be written: {first_line(error)}") from error


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def _sign(handle: int) -> None:
    about = {"pid": os.getpid(), "since": time.strftime("%H:%M"), "command": " ".join(sys.argv[1:3])[:80]}
    with contextlib.suppress(OSError):  # a full disk: the lock holds without its owner's name
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(about).encode(), 0)


def _owner(handle: int) -> str:
    try:
        about: Any = json.loads(os.pread(handle, 1000, 0))
        return f"by process {int(about['pid'])} since {str(about['since'])[:5]}"
    except (OSError, ValueError, KeyError, TypeError):
        return "by another process"
