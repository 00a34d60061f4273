"""Pieces of work spread over worker processes, each of which makes once what all its pieces need."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from lambda_core.errors import LostWorkerError
from lambda_core.system.worker import worker_pool

Piece = TypeVar("Piece")
Result = TypeVar("Result")
PIECES_WORTH_A_PROCESS = 2  # a process that gets fewer spends its time on its start
CGROUP = Path("/sys/fs/cgroup")


def spread(
    make: Callable[..., Callable[[Piece], Result]],
    given: Sequence[object],
    pieces: Sequence[Piece],
    processes: int | None = None,
    *,
    torch: bool = True,
) -> Iterator[tuple[Piece, Result]]:
    """(piece, make(*given)(piece)) for all pieces, as they are finished: in any order.

    make: a public class or function of a module, called once in each process. What it is given, pieces and results
    must pickle. processes: of one thread each; 1: this one itself; None: one a core, where there is work for them.
    torch: the work needs it; else the processes start sooner.
    Raises what the work raises, and LostWorkerError where a process is lost.
    """
    processes = processes or max(1, min(cores(), len(pieces) // PIECES_WORTH_A_PROCESS))
    if processes == 1:
        work = make(*given)
        yield from ((piece, work(piece)) for piece in pieces)
        return
    others = multiprocessing.active_children()
    with worker_pool(min(processes, max(1, len(pieces))), _make, make, *given, torch=torch) as pool:
        try:
            futures: dict[Future[Any], Piece] = {pool.submit(_work, piece): piece for piece in pieces}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            _end_all_but(others)
            raise LostWorkerError(
                "a worker process was lost (killed, or out of memory); finished parts are kept: run the same command "
                "again, with fewer processes if memory is short"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _end_all_but(others: list[multiprocessing.process.BaseProcess]) -> None:
    """End this process's children but those: a broken pool overlooks a worker that it was just starting, and would
    wait for it for ever.
    """
    for child in multiprocessing.active_children():
        if child not in others:
            child.kill()


_made: Callable[[Any], Any] | None = None


def _make(make: Callable[..., Callable[[Any], Any]], *given: object) -> None:
    global _made  # noqa: PLW0603 (a pool's initializer has no other place to leave what it made)
    _made = make(*given)


def _work(piece: Any) -> Any:
    assert _made is not None
    return _made(piece)


def cores() -> int:
    """The cores that this process may use: its affinity, and no more than the quota of its control group."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(allowed, _quota(CGROUP))))


def _quota(folder: Path) -> float:
    """Cores that the control group of `folder` (version 2, else 1) grants; infinity where it sets no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = ((folder / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        except OSError:
            return float("inf")
    return int(quota) / int(period) if quota.strip().isdigit() else float("inf")
