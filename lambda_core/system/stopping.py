"""Being asked to stop: Ctrl-C and SIGTERM, answered at a moment when what is done can be kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ASKED = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Within: SIGTERM, as a system sends it that goes down, does what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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

    before: dict[signal.Signals, Any] = {each: signal.signal(each, note) for each in ASKED}
    try:
        yield stop_if_asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (what a signal's handler is given)
    raise KeyboardInterrupt
