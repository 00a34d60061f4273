"""A user whom permissions bind: root, whom tests often run as, may read and write whatever they say."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2  # of Linux's capabilities(7): what lets root pass
VERSION = 0x20080522  # of capset(2)
PR_CAPBSET_DROP = 24  # of prctl(2): what this process starts has them no more, either


def bind() -> None:
    """From here on permissions bind this process, and all that it starts."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header, words = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, words)
    for place in range(3):  # effective, permitted, inheritable
        words[place] &= ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    if libc.capset(header, words):
        raise OSError(ctypes.get_errno(), "capset")


@contextmanager
def taken(*paths: Path, mode: int = 0) -> Iterator[None]:
    """Within: these have that mode."""
    before = [(path, path.stat().st_mode) for path in paths]
    for path in paths:
        path.chmod(mode)
    try:
        yield
    finally:
        for path, was in reversed(before):  # a folder before what lies in it, if it was taken first
            path.chmod(was)
