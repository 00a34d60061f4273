"""Work in a process of its own: the kernels there wait for no interpreter that a busy server's threads hold."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from lambda_core.errors import LostWorkerError

Result = TypeVar("Result")


class Apart:
    """One worker process of one thread: what it runs takes turns, so that the times of one are not spoilt by another's.

    It starts with the first piece of work, is started anew where it was lost (killed, or out of memory), and ends with
    the process that started it. The main module must bear being imported a second time (`if __name__ == "__main__"`).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = _new_pool()

    def begin(self) -> None:
        """Start the worker and its import of torch, without waiting for them."""
        self._pool.submit(ready)

    def run(self, work: Callable[..., Result], *given: object) -> Result:
        """work(*given); `work` is a public function of a module. Its errors are raised here.

        Raises LostWorkerError where a second worker is lost over the same work.
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
                self._pool = _new_pool()


def ready() -> bool:
    """The worker has torch at hand."""
    import lambda_core.trace  # noqa: F401

    return True


def _new_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_start)


def _start() -> None:
    from lambda_core.runtime import start_worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process too
    start_worker()
