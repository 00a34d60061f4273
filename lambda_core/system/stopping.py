"""Being asked to stop: Ctrl-C and SIGTERM, answered at a moment when what is done can be kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ASKED = (signal.SIGINT, signal.SIGTERM)
_unanswered = threading.Event()


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Within: SIGTERM, as a system sends it that goes down, does what Ctrl-C does.

    Either interrupts at once. What is raised while a library calls back from C is dropped there by Python (compiling
    does so); then the next report of progress interrupts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        with _handled_by(_interrupt, (signal.SIGTERM, *_own(signal.SIGINT))):
            yield
    finally:
        _unanswered.clear()


def interrupt_if_unanswered() -> None:
    """Raise the KeyboardInterrupt of a Ctrl-C or SIGTERM again, if nothing has ended since; once."""
    if _unanswered.is_set():
        _unanswered.clear()
        raise KeyboardInterrupt


@contextmanager
def finishing(keep: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Within: a first Ctrl-C or SIGTERM waits until the block calls what it got: that calls `keep`, then interrupts.

    A second one does not wait. In another thread than the main one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if asked:
            _interrupt(number, frame)
        asked.append(number)

    def stop_if_asked() -> None:
        if asked:
            keep()
            raise KeyboardInterrupt

    with _handled_by(note, ASKED):
        yield stop_if_asked


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None], asked: tuple[signal.Signals, ...]) -> Iterator[None]:
    before: dict[signal.Signals, Any] = {each: signal.signal(each, handler) for each in asked}
    try:
        yield
    finally:
        for each, earlier in before.items():
            signal.signal(each, earlier)


def _own(number: signal.Signals) -> tuple[signal.Signals, ...]:
    """The signal, where Python itself answers it; a program that was started in the background ignores Ctrl-C."""
    return (number,) if signal.getsignal(number) is signal.default_int_handler else ()


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (what a signal's handler is given)
    _unanswered.set()
    raise KeyboardInterrupt
