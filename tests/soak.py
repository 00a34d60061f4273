"""`python -m tests.soak`: all harnesses of tests/faults at their full counts, and what came of them in numbers.

    python -m tests.soak kills uploads --share 0.1                     # some of them, a tenth of the tries
    python -m tests.soak kills --processes 16 --seconds 540 --json kills.json    # many at a time, for so long

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
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lambda_core.system import environment, stopped_by_sigterm, write_json

Came = Iterable[tuple[str, str | None]]  # what was tried, and the fault that was found
Tries = Iterator[Callable[[], Came]]
KILLS, JOB_KILLS = 100, 25  # of each work, or job, and way
MUTATIONS, UPLOADS = 500, 1000  # of each file; in all
AT_ONCE = 100  # mutations, in a process of their own
VISITORS, SECONDS = 50, 300.0  # at once, for so long
FOREVER = 1e9  # seconds


@dataclass(frozen=True)
class Plan:
    """share: of the full counts. seed: the first. processes: at a time, each in a folder of its own. seconds: after
    which nothing more is begun."""

    share: float = 1.0
    seed: int = 0
    processes: int = 1
    seconds: float = FOREVER

    def some(self, count: int) -> int:
        return max(1, round(count * self.share))

    def seeds(self, count: int) -> range:
        return range(self.seed, self.seed + self.some(count))


@dataclass
class Found:
    """How often each thing was tried, and the faults."""

    tries: Counter[str] = field(default_factory=Counter)
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
        self.faulty += other.faulty
        self.faults += other.faults


def kills(plan: Plan, scratch: Path) -> Tries:
    """Every work, and every job as the app starts it, stopped in every way at random moments."""
    from tests.faults.fork_server import ForkServer
    from tests.faults.job_kills import HARMS, JOBS, JobHarness
    from tests.faults.kills import WAYS, KillHarness, works

    with ForkServer() as server:
        harness, jobs = KillHarness(server, scratch), JobHarness(server, scratch)
        for seed in plan.seeds(KILLS):
            for name in works():
                yield from (_attempt(f"{name}, {way}", harness.attempt, name, way, seed) for way in WAYS)
            for name in JOBS if seed < plan.seed + plan.some(JOB_KILLS) else ():
                yield from (_attempt(f"job of {name}, {harm}", jobs.attempt, name, harm, seed) for harm in HARMS)


def _attempt(what: str, attempt: Callable[..., object], *given: Any) -> Callable[[], Came]:
    def come() -> Came:
        try:
            attempt(*given)
        except Exception as error:  # of the harness itself, too: the other tries go on
            return [(what, str(error) if isinstance(error, AssertionError) else repr(error))]
        return [(what, None)]

    return come


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
    from tests.faults.crowd import crowd_of

    def come() -> Came:
        found = crowd_of(scratch, plan.some(VISITORS), min(SECONDS, plan.seconds), plan.seed)
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


def part(name: str, plan: Plan, number: int) -> Found:
    """Every so many-th try of a harness, from the one of this number on."""
    found, end = Found(), time.monotonic() + plan.seconds
    with tempfile.TemporaryDirectory() as scratch, closing(HARNESSES[name](plan, Path(scratch))) as tries:
        for come in islice(tries, number, None, plan.processes):
            if time.monotonic() > end:
                break
            for what, fault in come():
                found.note(what, fault)
    return found


def run(name: str, plan: Plan) -> dict[str, Any]:
    """What a harness finds, in so many processes; it is printed."""
    start, found = time.monotonic(), Found()
    if plan.processes == 1:
        found.add(part(name, plan, 0))
    else:
        with ProcessPoolExecutor(plan.processes, get_context("spawn")) as pool:
            for each in pool.map(partial(part, name, plan), range(plan.processes)):
                found.add(each)
    seconds = round(time.monotonic() - start)
    width = max(map(len, found.tries), default=0)
    for what, count in sorted(found.tries.items()):
        _say(f"  {what:{width}} {count:6} tries {found.faulty[what]:4} faults")
    _say(f"{name}: {found.tries.total()} tries, {len(found.faults)} faults, {seconds} s")
    return {"tries": found.tries.total(), "seconds": seconds, "counts": dict(found.tries), "faults": found.faults}


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a program's own report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harnesses", nargs="*", choices=[*HARNESSES, []], help="all, where none is named")
    parser.add_argument("--share", type=float, default=1.0, help="of the full counts")
    parser.add_argument("--seed", type=int, default=0, help="the first; the next tries go on from there")
    parser.add_argument("--processes", type=int, default=1, help="tries at a time")
    parser.add_argument("--seconds", type=float, default=FOREVER, help="after which nothing more is begun")
    parser.add_argument("--json", type=Path, help="where to write what came of it")
    asked = parser.parse_args()
    plan = Plan(asked.share, asked.seed, asked.processes, asked.seconds)
    with stopped_by_sigterm():  # so that nothing that was started stays
        found = {name: run(name, plan) for name in asked.harnesses or HARNESSES}
    if asked.json:
        conditions = environment() | {"cores": os.cpu_count()}
        write_json(asked.json, {"conditions": conditions, "plan": asdict(plan)} | found)
    sys.exit(1 if any(each["faults"] for each in found.values()) else 0)


if __name__ == "__main__":
    main()
