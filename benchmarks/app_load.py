"""How the app keeps up with many visitors at once: `python -m benchmarks.app_load`. Starts the real server, headless.

Each session, over its own websocket, turns between Explore and Live: it changes controls, and runs adaptations of new
episodes under two patterns, here and now. Between two changes it waits as people do. Run with --pause 0 to see what
happens when nobody ever waits.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from benchmarks.app_report import cpu, heading, load, server_process, spread, store, told
from benchmarks.app_speed import change, largest
from benchmarks.app_visitor import Visitor
from tests.browser.serving import serving

Times = dict[str, list[float]]
NAMES = {
    "figure": "changed control to new figure (Explore)",
    "page": "the same, to the end of the page",
    "live": "new episode, two live adaptations (Live)",
    "toggle": "other pattern, live adaptation (Live)",
    "turn": "turning to the other page",
}


@click.command()
@click.option("--sessions", default=20, show_default=True)
@click.option("--rounds", default=4, show_default=True, help="Of five changes on Explore and five on Live each.")
@click.option("--pause", default=4.0, show_default=True, help="Seconds between two changes of a session, on average.")
@click.option("--study", default=None, help="By default the one with most candidates.")
@click.option("--seed", default=0, show_default=True)
def main(sessions: int, rounds: int, pause: float, study: str | None, seed: int) -> None:
    name = study or largest()
    with tempfile.TemporaryDirectory() as scratch, serving(Path(scratch) / "log", LAMBDA_JOBS=f"{scratch}/jobs") as url:
        server = server_process(urlsplit(url).port)
        warm_up(url, name)
        before, began, waited = cpu(server), time.perf_counter(), load()
        times = all_at_once(url, name, sessions, rounds, pause, seed)
        seconds = time.perf_counter() - began
        share = (cpu(server) - before) / seconds
        report(times, sessions, pause, share)
    key = f"{sessions} sessions, {pause:g} s between changes"
    store(key, {"study": name, "times": {part: spread(found) for part, found in times.items()},
                "changes a second": round(sum(map(len, times.values())) / seconds, 2),
                "server's cores": round(share, 2), "load average": [waited, load()]})  # fmt: skip


def warm_up(url: str, study: str) -> None:
    """The server has been visited before: its studies are read, torch is imported."""
    for page in ("explore", "live"):
        visitor = Visitor(url)
        visitor.open(page, f"study={study}")
        visitor.close()


def all_at_once(url: str, study: str, sessions: int, rounds: int, pause: float, seed: int) -> Times:
    times: Times = defaultdict(list)
    lock = threading.Lock()

    def session(number: int) -> None:
        for part, seconds in one_session(url, study, rounds, pause, random.Random(seed + number)):
            with lock:
                times[part].append(seconds)

    with ThreadPoolExecutor(sessions) as pool:
        list(pool.map(session, range(sessions)))
    return times


def one_session(url: str, study: str, rounds: int, pause: float, draw: random.Random) -> list[tuple[str, float]]:
    """What a session did and how long each took."""
    visitor, found = Visitor(url), []
    for _ in range(rounds):
        found += _turned(visitor, "explore", study, pause, draw) + _explored(visitor, pause, draw)
        found += _turned(visitor, "live", study, pause, draw) + _adapted(visitor, pause, draw)
    visitor.close()
    return found


def _turned(visitor: Visitor, page: str, study: str, pause: float, draw: random.Random) -> list[tuple[str, float]]:
    _wait(pause, draw)
    return [("turn", visitor.open(page, f"study={study}&seed={draw.randrange(999_999)}").end)]


def _explored(visitor: Visitor, pause: float, draw: random.Random) -> list[tuple[str, float]]:
    found = []
    for _ in range(5):
        _wait(pause, draw)
        run = change(visitor, draw)
        found += [("figure", run.figure or run.end), ("page", run.end)]
    return found


def _adapted(visitor: Visitor, pause: float, draw: random.Random) -> list[tuple[str, float]]:
    found = []
    for number in range(5):
        _wait(pause, draw)
        if number % 2:
            layers = [option.content for option in visitor.widgets["pattern-row-0"].options]
            chosen = [each for each in layers if draw.random() < 0.5]
            found.append(("toggle", visitor.change("pattern-row-0", string_array_value=chosen).end))
        else:
            seed = float(draw.randrange(999_999))
            found.append(("live", visitor.change("seed-control", double_value=seed).end))
    return found


def _wait(pause: float, draw: random.Random) -> None:
    time.sleep(draw.uniform(0, 2 * pause))


def report(times: dict[str, Any], sessions: int, pause: float, share: float) -> None:
    heading(f"{sessions} sessions at once, {pause:g} s between the changes of each")
    for part, name in NAMES.items():
        told(name, spread(times[part]), f"{len(times[part])} times")
    click.echo(f"the server kept {share:.2f} cores busy")


if __name__ == "__main__":
    main()
