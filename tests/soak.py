"""`python -m tests.soak`: all harnesses of tests/faults at their full counts, and what came of them in numbers.

    python -m tests.soak kills uploads --share 0.1                     # some of them, a tenth of the tries
    python -m tests.soak kills --processes 16 --seconds 540 --json kills.json    # many at a time, for so long
    python -m tests.soak kills --only "train, SIGTERM" --seed 5 --share 0.01     # one of them again
    python -m tests.soak load --server-cores 0,1 --browser-cores 2-15            # each on cores of its own

Hours on two cores. Exit code 1: something was lost, or somebody got in; each fault is printed as it is found.
`kills` needs the engine alone, neither streamlit nor what the other tests are run with.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lambda_core.system import environment, stopped_by_sigterm, write_json

Came = Iterable[tuple[str, str | None]]  # what was tried, and the fault that was found
Tries = Iterator[Callable[[], Came]]
KILLS, JOBS_EVERY = 100, 4  # of each work and way; jobs, which take longest, at every fourth seed
MUTATIONS, UPLOADS = 500, 1000  # of each file; in all
AT_ONCE = 100  # mutations, in a process of their own
VISITORS, SECONDS = 50, 300.0  # at once, for so long
FOREVER = 1e9  # seconds


@dataclass(frozen=True)
class Plan:
    """share: of the full counts. seed: the first. processes: at a time, each in a folder of its own. seconds: after
    which nothing more is begun. only: kills of which this is the beginning. server_cores, browser_cores: on which
    either runs under load; empty: on any. without_browsers: load by visitors that draw nothing."""

    share: float = 1.0
    seed: int = 0
    processes: int = 1
    seconds: float = FOREVER
    only: str = ""
    server_cores: frozenset[int] = frozenset()
    browser_cores: frozenset[int] = frozenset()
    without_browsers: bool = False

    def some(self, count: int) -> int:
        return max(1, round(count * self.share))

    def seeds(self, count: int) -> range:
        return range(self.seed, self.seed + self.some(count))


@dataclass
class Found:
    """How often each thing was tried, the seconds that it took in all, and the faults."""

    tries: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    faulty: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, fault: str | None) -> None:
        self.tries[what] += 1
        if fault is not None:
            self.faulty[what] += 1
            self.faults.append(f"{what}: {fault}")
            _say(f"FAULT {what}: {fault}")

    def add(self, other: Found) -> None:
        self.tries += other.tries
        self.seconds += other.seconds
        self.faulty += other.faulty
        self.faults += other.faults


def kills(plan: Plan, scratch: Path) -> Tries:
    """Every work, and every job as the app starts it, stopped in every way at random moments."""
    from tests.faults.fork_server import ForkServer
    from tests.faults.job_kills import HARMS, JOBS, JobHarness
    from tests.faults.kills import WAYS, KillHarness, works

    states = scratch.parent / "states"  # made once for all processes
    with ForkServer() as server:
        harness, jobs = KillHarness(server, scratch, states), JobHarness(server, scratch, states)
        for seed in plan.seeds(KILLS):
            tries = [(f"{name}, {way}", harness.attempt, name, way, seed) for name in works() for way in WAYS]
            if (seed - plan.seed) % JOBS_EVERY == 0:
                tries += [(f"job of {name}, {harm}", jobs.attempt, name, harm, seed) for name in JOBS for harm in HARMS]
            yield from (partial(_attempt, *each) for each in tries if each[0].startswith(plan.only))


def _attempt(what: str, attempt: Callable[..., object], *given: Any) -> Came:
    try:
        attempt(*given)
    except Exception as error:  # of the harness itself, too: the other tries go on
        again = f"again: python -m tests.soak kills --only '{what}' --seed {given[-1]} --share {1 / KILLS}"
        return [(what, f"{error if isinstance(error, AssertionError) else repr(error)}\n{again}")]
    return [(what, None)]


def mutated(plan: Plan, scratch: Path) -> Tries:
    """Every file of a study and of a data set."""
    from tests.faults import mutations, victims

    def come(folder: Path, file: str, count: int, seed: int) -> Came:
        for result in mutations.tried(folder, file, count, seed):
            yield f"{file}: {result.end}", None if result.is_sound else str(result)

    folders = [victims.sealed_study(scratch), victims.sealed_data(scratch)]
    count = plan.some(MUTATIONS)
    for seed, begun in enumerate(range(0, count, AT_ONCE), plan.seed + 1):
        for folder in folders:
            for path in sorted(folder.iterdir()):
                yield partial(come, folder, path.name, min(AT_ONCE, count - begun), seed)


def uploaded(plan: Plan, scratch: Path) -> Tries:  # noqa: ARG001 (nothing is written)
    """Images through what the app's uploads go through."""
    from tests.faults import uploads

    def come(number: int) -> Came:
        maker = uploads.MAKERS[number % len(uploads.MAKERS)].__name__.strip("_")
        return [(maker, uploads.fault_of(uploads.generated(number, seed=plan.seed + 2)))]

    yield from (partial(come, number) for number in range(plan.some(UPLOADS)))


def crowded(plan: Plan, scratch: Path) -> Tries:
    """Browser tabs that explore and adapt live at once; what they waited, and the server's memory in time."""
    if plan.without_browsers:
        from tests.faults.light_crowd import light_crowd_of as crowd_of
    else:
        from tests.faults.crowd import crowd_of

    def come() -> Came:
        cores = (plan.server_cores, plan.browser_cores)
        found = crowd_of(scratch, plan.some(VISITORS), min(SECONDS, plan.seconds), plan.seed, *cores)
        _say("\n".join(f"  {line}" for line in found.report()))
        yield from ((page, None) for page, _ in found.waits)
        yield from (("fault", fault) for fault in found.all_faults())

    yield come


HARNESSES: dict[str, Callable[[Plan, Path], Tries]] = {
    "kills": kills,
    "mutations": mutated,
    "uploads": uploaded,
    "load": crowded,
}


def part(name: str, plan: Plan, together: Path, number: int) -> Found:
    """Every so many-th try of a harness, from the one of this number on. together: a folder of all parts."""
    found, end, scratch = Found(), time.monotonic() + plan.seconds, together / str(number)
    scratch.mkdir()
    with closing(HARNESSES[name](plan, scratch)) as tries:
        for come in islice(tries, number, None, plan.processes):
            if time.monotonic() > end:
                break
            begun = time.monotonic()
            for what, fault in come():
                found.note(what, fault)
                found.seconds[what] += time.monotonic() - begun
                begun = time.monotonic()
    return found


def _parts(name: str, plan: Plan, together: Path) -> Iterable[Found]:
    if plan.processes == 1:
        return [part(name, plan, together, 0)]
    with ProcessPoolExecutor(plan.processes, get_context("spawn")) as pool:
        return list(pool.map(partial(part, name, plan, together), range(plan.processes)))


def run(name: str, plan: Plan) -> dict[str, Any]:
    """What a harness finds, in so many processes; it is printed."""
    start, found = time.monotonic(), Found()
    with tempfile.TemporaryDirectory() as together:
        for each in _parts(name, plan, Path(together)):
            found.add(each)
    seconds = round(time.monotonic() - start)
    width = max(map(len, found.tries), default=0)
    for what, count in sorted(found.tries.items()):
        each = found.seconds[what] / count
        _say(f"  {what:{width}} {count:6} tries {found.faulty[what]:4} faults, {each:6.2f} s each")
    _say(f"{name}: {found.tries.total()} tries, {len(found.faults)} faults, {seconds} s")
    return {"tries": found.tries.total(), "seconds": seconds, "counts": dict(found.tries), "faults": found.faults}


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a program's own report)


def _cores(words: str) -> frozenset[int]:
    """Those of "0,1" or "2-15", or of both."""
    ranges = (word.partition("-") for word in words.split(","))
    return frozenset(core for first, _, last in ranges for core in range(int(first), int(last or first) + 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harnesses", nargs="*", choices=[*HARNESSES, []], help="all, where none is named")
    parser.add_argument("--share", type=float, default=1.0, help="of the full counts")
    parser.add_argument("--seed", type=int, default=0, help="the first; the next tries go on from there")
    parser.add_argument("--processes", type=int, default=1, help="tries at a time")
    parser.add_argument("--seconds", type=float, default=FOREVER, help="after which nothing more is begun")
    parser.add_argument("--only", default="", help="kills that begin so")
    for whose in ("server", "browser"):
        cores = f"of load, on which the {whose} runs, such as 0,1 or 2-15: any"
        parser.add_argument(f"--{whose}-cores", type=_cores, default=frozenset(), help=cores)
    parser.add_argument("--without-browsers", action="store_true", help="load by visitors that draw nothing")
    parser.add_argument("--json", type=Path, help="where to write what came of it")
    asked = parser.parse_args()
    plan = Plan(**{each.name: getattr(asked, each.name) for each in fields(Plan)})
    with stopped_by_sigterm():  # so that nothing that was started stays
        found = {name: run(name, plan) for name in asked.harnesses or HARNESSES}
    if asked.json:
        conditions = environment() | {"cores": os.cpu_count()}
        said = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(plan).items()}
        write_json(asked.json, {"conditions": conditions, "plan": said} | found)
    sys.exit(1 if any(each["faults"] for each in found.values()) else 0)


if __name__ == "__main__":
    main()
