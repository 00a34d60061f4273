"""Whether a machine is shared: times are worth nothing where other programs take the processor."""

from __future__ import annotations

import getpass
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from lambda_core.errors import BusyError
from lambda_core.system.locks import locked

WATCHED = 1.0  # seconds
TOLERATED = 0.3  # cores that others may take


@contextmanager
def alone(*, anyway: bool = False) -> Iterator[None]:
    """Within: this user times nothing else on this machine; before, nothing else took much of its processor.

    anyway: do not look. Raises BusyError that names the process that takes most.
    """
    if anyway:
        yield
        return
    with locked(Path(tempfile.gettempdir()) / f"lambda-core-{getpass.getuser()}.timing", "this machine is being timed"):
        refuse_company()
        yield


def refuse_company(watched: float = WATCHED) -> None:
    """Raises BusyError where other processes take more than TOLERATED cores over `watched` seconds."""
    taken = others_cores(watched)
    if sum(taken.values()) > TOLERATED:
        process = max(taken, key=lambda each: taken[each])
        raise BusyError(
            f"others are at work on this machine ({sum(taken.values()):.1f} cores, most by process {process.pid}, "
            f"{process.info['name']}), and times taken now would be theirs too: wait for their end, or add --anyway"
        )


def others_cores(watched: float) -> dict[psutil.Process, float]:
    """Cores that each process but this one and those it started took over `watched` seconds."""
    before, start = _times(), time.monotonic()
    time.sleep(watched)
    after, seconds = _times(), time.monotonic() - start
    return {process: (used - before[process]) / seconds for process, used in after.items() if process in before}


def _times() -> dict[psutil.Process, float]:
    own = psutil.Process()
    ours = {own, *own.children(recursive=True)}
    found = {}
    for process in psutil.process_iter(["cpu_times", "name"]):
        if process not in ours and (times := process.info["cpu_times"]) is not None:
            found[process] = times.user + times.system
    return found
