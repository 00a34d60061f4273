"""What came of a crowd: sessions held, waits, queues, and the server's memory, judged by a rule that is said."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from statistics import median, quantiles

import psutil

GROWTH = 1.10  # at most, from the third fifth of the time to the last
FLAT = "flat: the median of the time's last fifth is at most a tenth above that of its third fifth"
MEMORY_EVERY = 5.0  # seconds
QUEUE = re.compile(r"(\d+) adaptations? of other visitors come")  # what a page says that waits
SHORTEST = 240.0  # seconds to judge it by: Streamlit keeps the session of a page that was left for two minutes

JUDGED = {True: "yes", False: "NO", None: "too short to judge"}


@dataclass
class Crowd:
    """visitors: at once. held: those who got page after page to the end. waits: (page, seconds until it had settled).
    memory: (seconds since the beginning, bytes of the server and its worker). queues: each length that was shown.
    all_there: seconds after which the last had come."""

    visitors: int
    held: int = 0
    faults: list[str] = field(default_factory=list)
    waits: list[tuple[str, float]] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    memory_at_end: int = 0
    queues: list[int] = field(default_factory=list)
    processor_seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    coming: int = 0
    all_there: float | None = None

    def note_memory(self, size: int) -> None:
        self.memory.append((self._now(), size))

    def arrived(self) -> None:
        """One more has seen a first page."""
        self.coming += 1
        if self.coming == self.visitors:
            self.all_there = self._now()

    def left(self, seconds: float) -> float:
        """Of so many seconds that begin when all are there."""
        return seconds if self.all_there is None else self.all_there + seconds - self._now()

    def _now(self) -> float:
        return time.monotonic() - self.began

    def cut_off(self, what: str, *, is_over: bool) -> None:
        """A visit that was ended; is_over: because the time was up, which is no fault: the visitor was there."""
        if is_over:
            self.held += 1
        else:
            self.faults.append(f"TimeoutError: {what}")

    def all_faults(self) -> list[str]:
        """Those that visitors met, and memory that grows."""
        return [*self.faults, *([f"memory is not {FLAT}"] if self.is_flat() is False else [])]

    def is_flat(self) -> bool | None:
        """By the rule of FLAT; None: there was too little time to judge by."""
        third, last = self._fifth(2), self._fifth(4)
        return median(last) <= GROWTH * median(third) if third and last else None

    def _fifth(self, number: int) -> list[int]:
        start = 0.0 if self.all_there is None else self.all_there
        length = (self.memory[-1][0] - start) / 5
        within = (start + number * length, start + (number + 1) * length)
        return [size for at, size in self.memory if within[0] <= at <= within[1]] if 5 * length >= SHORTEST else []

    def report(self) -> list[str]:
        """In lines for a person."""
        pages = sorted({page for page, _ in self.waits})
        return [
            f"sessions held: {self.held} of {self.visitors}, all there after {self.all_there or 0:.0f} s; "
            f"{len(self.waits)} visits, {len(self.faults)} errors",
            *(_waits_line(page, [wait for each, wait in self.waits if each == page]) for page in pages),
            f"queue shown: {len(self.queues)} times, {max(self.queues, default=0)} others at most",
            f"MB of server and worker: {self.memory[0][1] >> 20} at start; {self._minutes()}; "
            f"{self.memory_at_end >> 20} when all had left",
            f"memory {FLAT}: {JUDGED[self.is_flat()]}",
            "processor time, s: " + ", ".join(f"{who} {spent:.0f}" for who, spent in self.processor_seconds.items()),
        ]

    def _minutes(self) -> str:
        minutes = sorted({int(at // 60) for at, _ in self.memory})
        each = ((number, [size for at, size in self.memory if at // 60 == number]) for number in minutes)
        return ", ".join(f"minute {number + 1}: {int(median(sizes)) >> 20}" for number, sizes in each)


def _waits_line(page: str, waits: list[float]) -> str:
    cuts = quantiles(waits, n=20) if len(waits) > 1 else waits * 19
    seconds = f"p50 {cuts[9]:.1f}, p95 {cuts[18]:.1f}, most {max(waits):.1f}"
    return f"{page}: {len(waits)} visits, seconds until settled: {seconds}"


class Processes:
    """The processes of the server at an address, and of the browser that we started."""

    def __init__(self, url: str) -> None:
        port = url.rsplit(":", 1)[1]
        ours = psutil.Process(os.getpid()).children()
        self._server = next(each for each in ours if port in each.cmdline())

    def memory(self) -> int:
        """Bytes resident of the server and all that it started."""
        return sum(_quietly(each, "memory_info", "rss") for each in self._of_server())

    def seconds(self) -> dict[str, float]:
        """Processor time so far, user and system."""
        server = self._of_server()
        others = [each for each in psutil.Process(os.getpid()).children(recursive=True) if each not in server]
        return {"server and worker": _spent(server), "browser": _spent(others)}

    def _of_server(self) -> list[psutil.Process]:
        return [self._server, *self._server.children(recursive=True)]


def _spent(processes: list[psutil.Process]) -> float:
    return sum(_quietly(each, "cpu_times", kind) for each in processes for kind in ("user", "system"))


def _quietly(process: psutil.Process, ask: str, what: str) -> float:
    try:
        return getattr(getattr(process, ask)(), what)
    except psutil.NoSuchProcess:
        return 0
