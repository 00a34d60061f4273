"""One progress interface for the command line, the jobs and the app: the engine reports, they show."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lambda_core.system.stopping import interrupt_if_unanswered

Report = Callable[["Progress"], None]


@dataclass(frozen=True)
class Progress:
    """done of total units, at `rate` units a second, `left` seconds to go, and a few numbers worth showing."""

    what: str
    done: int
    total: int
    rate: float
    left: float
    values: dict[str, float] = field(default_factory=dict)


class Meter:
    """Counts units of work and reports at most a few times a second; rate and time left count this run only."""

    def __init__(self, what: str, total: int, report: Report | None, done: int = 0, every: float = 0.25) -> None:
        self.what, self.total, self.done, self.every = what, total, done, every
        self._report, self._first = report, done
        self._start = self._last = time.monotonic()

    def advance(self, units: int = 1, values: dict[str, float] | None = None) -> None:
        interrupt_if_unanswered()
        self.done += units
        now = time.monotonic()
        if self._report is None or (now - self._last < self.every and self.done < self.total):
            return
        self._last = now
        rate = (self.done - self._first) / max(now - self._start, 1e-9)
        left = (self.total - self.done) / rate if rate else float("inf")
        self._report(Progress(self.what, self.done, self.total, rate, left, values or {}))
