"""The one way to start a worker process: spawned, of one thread, ended with the process that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from lambda_core.errors import LostWorkerError
from lambda_core.system.hardware import prepare

Result = TypeVar("Result")
NO_MAIN_GUARD = (
    'worker processes read your program\'s file a second time: put what starts them under if __name__ == "__main__":, '
    "and start the program from a file"
)


def worker_pool(processes: int, set_up: Callable[..., object] | None = None, *given: object) -> ProcessPoolExecutor:
    """A pool of `processes` workers, each of which calls set_up(*given) first.

    set_up: a public function of a module; it runs in each worker. Spawned, since a fork would carry torch's threads
    into a child that has none of them. The main module must bear being imported a second time.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise LostWorkerError(NO_MAIN_GUARD)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(set_up, given))


def _start(set_up: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process too
    end_with_parent()
    prepare(threads=1)
    if set_up is not None:
        set_up(*given)


def end_with_parent() -> None:
    """Ends this worker process when the process that started it ends, killed or not: a pool's workers would live on."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class WorkerProcess:
    """One worker process of one thread: what it runs takes turns, so that the times of one are not spoilt by another's.

    It starts with the first piece of work, is started anew where it was lost (killed, or out of memory), and ends with
    the process that started it. The main module must bear being imported a second time (`if __name__ == "__main__"`).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = worker_pool(1)

    def start(self, warm_up: Callable[[], object]) -> None:
        """Start the worker and let it call `warm_up`, a public function of a module, without waiting for either."""
        self._pool.submit(warm_up)

    def run(self, work: Callable[..., Result], *given: object) -> Result:
        """work(*given), computed there; its errors are raised here.

        work: a public function of a module; what it takes and returns must pickle. Raises LostWorkerError where a
        second worker is lost over the same work.
        """
        for _ in range(2):
            pool = self._pool
            try:
                return pool.submit(work, *given).result()
            except BrokenProcessPool:
                self._replace(pool)
        raise LostWorkerError("the process that adapts was lost twice; if memory is short, close something and retry")

    def _replace(self, lost: ProcessPoolExecutor) -> None:
        with self._lock:  # of several who lost the same worker, one replaces it
            if self._pool is lost:
                self._pool = worker_pool(1)
