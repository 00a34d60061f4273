"""The same crowd without its browsers: visitors that speak Streamlit's protocol, for what the server itself can hold.

A browser takes more processor time to draw a page than the server to make it; on the same cores it is the browsers that
starve the server. Each visit is a session of its own, as a page that is loaded anew.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Lock
from urllib.parse import parse_qs

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.app_visitor import Visitor
from tests.faults.crowd_report import MEMORY_EVERY, QUEUE, Crowd, Processes
from tests.faults.crowd_server import ANY, PAUSE, Cores, crowd_served, next_visit, on_cores


def light_crowd_of(
    scratch: Path, visitors: int, seconds: float, seed: int = 0, server_cores: Cores = ANY, visitor_cores: Cores = ANY
) -> Crowd:
    """As `crowd.crowd_of`, for so many visitors without a browser."""
    found, lock = Crowd(visitors), Lock()
    with crowd_served(scratch, server_cores) as url, on_cores(visitor_cores):
        processes = Processes(url)
        found.note_memory(processes.memory())
        with ThreadPoolExecutor(visitors) as pool:
            chances = [Random(f"{seed} {number}") for number in range(visitors)]
            ends = [pool.submit(_visitor, url, chance, seconds, found, lock) for chance in chances]
            while not all(end.done() for end in ends):
                time.sleep(MEMORY_EVERY)
                found.note_memory(processes.memory())
        found.processor_seconds = processes.seconds()
        found.memory_at_end = processes.memory()
    return found


def _visitor(url: str, chance: Random, seconds: float, found: Crowd, lock: Lock) -> None:
    try:
        try:
            _visit(url, chance, found)
        finally:
            with lock:
                found.arrived()  # the others wait for no one who failed
        while found.left(seconds) > 0:
            _visit(url, chance, found)
            time.sleep(chance.uniform(*PAUSE))
        with lock:
            found.held += 1
    except Exception as error:
        found.faults.append(f"{type(error).__name__}: {str(error)[:200]}")


def _visit(url: str, chance: Random, found: Crowd) -> None:
    path, seed, pattern = next_visit(chance)
    page, _, query = path.partition("?")
    start, tab = time.monotonic(), _Tab(url)
    try:
        tab.open(page, query)
    finally:
        tab.close()
        found.queues += tab.queues
    found.waits.append((page, time.monotonic() - start))
    found.faults += [f"{path}: {fault[:200]}" for fault in tab.faults]
    there = {name: texts[0] for name, texts in parse_qs(tab.query).items()}
    if there.get("seed", "7") != seed or there.get("pattern") != pattern:
        found.faults.append(f"{path} became {tab.query}: another one's?")


class _Tab(Visitor):
    """One that reads what it is told while it waits, and what went wrong."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.queues: list[int] = []
        self.faults: list[str] = []

    @property
    def query(self) -> str:
        return self._query

    def _note(self, message: ForwardMsg) -> str:
        kind = super()._note(message)
        element = message.delta.new_element
        if kind == "spinner":
            self.queues += map(int, QUEUE.findall(element.spinner.text))
        if kind == "alert" and element.alert.format == element.alert.ERROR:
            self.faults.append(element.alert.body)
        return kind
