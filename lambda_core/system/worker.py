"""The one way to start a worker process: spawned, of one thread, ended with the process that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from lambda_core.errors import BusyError, LambdaError, LostWorkerError
from lambda_core.system.hardware import prepare

Result = TypeVar("Result")
STARTING = 120.0  # seconds more that a new worker may take: it imports torch first
NO_MAIN_GUARD = (
    'worker processes read your program\'s file a second time: put what starts them under if __name__ == "__main__":, '
    "and start the program from a file"
)


def worker_pool(
    processes: int, set_up: Callable[..., object] | None = None, *given: object, torch: bool = True
) -> ProcessPoolExecutor:
    """A pool of `processes` workers, each of which calls set_up(*given) first.

    set_up: a public function of a module; it runs in each worker. torch: the work needs it, on one thread. Spawned,
    since a fork would carry torch's threads into a child that has none of them. The main module must bear being
    imported a second time.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise LostWorkerError(NO_MAIN_GUARD)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(torch, set_up, given))


def _start(torch: bool, set_up: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process too
    end_with_parent()
    if torch:
        prepare(threads=1)
    try:
        if set_up is not None:
            set_up(*given)
    except LambdaError as error:  # the pool would print a traceback; that the worker is lost is told by its parent
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(1)


def end_with_parent() -> None:
    """Ends this worker process when the process that started it ends, killed or not: a pool's workers would live on."""
    parent = multiprocessing.parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def call(name: str, *given: object) -> Any:
    """The function lambda_core.room:function called with `given`, `name` being room:function: work for a process that
    has what this one shall not import. What it returns must not be of a class that does.
    """
    room, _, function = name.partition(":")
    return getattr(import_module(f"lambda_core.{room}"), function)(*given)


class WorkerProcess:
    """One worker process of one thread: what it runs takes turns, so that the times of one are not spoilt by another's.

    It starts with the first piece of work, is started anew where it was lost (killed, or out of memory) or does not
    answer within `patience` seconds, and ends with the process that started it. At most `most_waiting` pieces wait, and
    none longer than `longest_wait` seconds for its turn.
    The main module must bear being imported a second time (`if __name__ == "__main__"`).
    """

    def __init__(self, patience: float = 60.0, most_waiting: int = 100, longest_wait: float = 90.0) -> None:
        self.patience, self.most_waiting, self.longest_wait = patience, most_waiting, longest_wait
        self.replaced = 0  # how often the worker was started anew
        self._pool, self._is_new = worker_pool(1), True
        self._turns, self._places, self._waiting = ThreadPoolExecutor(1), threading.Lock(), 0

    @property
    def waiting(self) -> int:
        """Pieces of work that run or wait for their turn."""
        return self._waiting

    def run(self, work: Callable[..., Result], *given: object) -> Result:
        """work(*given), computed there; its errors are raised here.

        work: a public function of a module; what it takes and returns must pickle. Raises BusyError where too many
        wait, or its turn does not come; LostWorkerError where a second worker is lost over the same work, or does not
        answer.
        """
        with self._place():
            turn = self._turns.submit(self._turn, work, given)
            wait([turn], self.longest_wait)
            if turn.cancel():
                raise BusyError(
                    f"the adaptations of others took {self.longest_wait:g} s and more: try again in a moment"
                )
            return turn.result()

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._places:
            if self._waiting >= self.most_waiting:
                raise BusyError(f"{self._waiting} adaptations wait for their turn already: try again in a moment")
            self._waiting += 1
        try:
            yield
        finally:
            with self._places:
                self._waiting -= 1

    def _turn(self, work: Callable[..., Result], given: tuple[object, ...]) -> Result:
        for _ in range(2):
            try:
                result = self._answer(self._pool.submit(work, *given))
            except BrokenProcessPool:
                self._replace()
            else:
                self._is_new = False
                return result
        raise LostWorkerError(
            f"the process that adapts was lost twice, or did not answer for {self.patience:g} s; if memory is short, "
            "close something and retry"
        )

    def _answer(self, future: Future[Result]) -> Result:
        """Raises the work's own error, and BrokenProcessPool where none comes in time."""
        try:
            return future.result(self.patience + (STARTING if self._is_new else 0.0))
        except TimeoutError:
            if future.done():  # the work's own
                raise
            raise BrokenProcessPool from None

    def _replace(self) -> None:
        for process in list((self._pool._processes or {}).values()):  # kill_workers, from Python 3.14 on
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool, self._is_new = worker_pool(1), True
        self.replaced += 1
