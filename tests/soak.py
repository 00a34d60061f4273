"""`python -m tests.soak`: all harnesses of tests/faults at their full counts, and what came of them in numbers.

`python -m tests.soak kills uploads --share 0.1`: some of them, a tenth of the tries. Hours on two cores. Exit code 1:
something was lost, or somebody got in; each fault is printed as it is found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults import mutations, uploads, victims
from tests.faults.fork_server import ForkServer
from tests.faults.kills import WAYS, WORKS, KillHarness

Tries = Iterator[tuple[str, str | None]]  # what was tried, and the fault that was found
KILLS, MUTATIONS, UPLOADS = 100, 500, 1000  # of each work; of each file; in all


def kills(share: float, scratch: Path) -> Tries:
    """Every work, killed in every way at random moments."""
    with ForkServer() as server:
        harness = KillHarness(server, scratch)
        for name in WORKS:
            for seed in range(_some(KILLS // len(WAYS), share)):
                for way in WAYS:
                    yield (
                        f"{name}, {way}",
                        _fault_of(lambda name=name, way=way, seed=seed: harness.attempt(name, way, seed)),
                    )


def mutated(share: float, scratch: Path) -> Tries:
    """Every file of a study and of a data set."""
    for folder in (victims.sealed_study(scratch), victims.sealed_data(scratch)):
        for path in sorted(folder.iterdir()):
            for result in mutations.tried(folder, path.name, _some(MUTATIONS, share), seed=1):
                yield f"{path.name}: {result.end}", None if result.is_sound else str(result)


def uploaded(share: float, scratch: Path) -> Tries:  # noqa: ARG001 (nothing is written)
    """Images through what the app's uploads go through."""
    for number in range(_some(UPLOADS, share)):
        upload = uploads.generated(number, seed=2)
        yield uploads.MAKERS[number % len(uploads.MAKERS)].__name__.strip("_"), uploads.fault_of(upload)


HARNESSES: dict[str, Callable[[float, Path], Tries]] = {"kills": kills, "mutations": mutated, "uploads": uploaded}


def _some(count: int, share: float) -> int:
    return max(1, round(count * share))


def _fault_of(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except AssertionError as error:
        return str(error)
    return None


def run(name: str, share: float) -> int:
    """The number of faults that a harness finds; its counts are printed."""
    start, counts, faults = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory() as scratch:
        for what, fault in HARNESSES[name](share, Path(scratch)):
            counts[what] += 1
            if fault is not None:
                faults += 1
                _say(f"FAULT {name}, {what}: {fault}")
    for what, count in sorted(counts.items()):
        _say(f"  {what}: {count}")
    _say(f"{name}: {counts.total()} tries, {faults} faults, {time.monotonic() - start:.0f} s")
    return faults


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a program's own report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harnesses", nargs="*", choices=[*HARNESSES, []], help="all, where none is named")
    parser.add_argument("--share", type=float, default=1.0, help="of the full counts")
    asked = parser.parse_args()
    faults = [run(name, asked.share) for name in asked.harnesses or HARNESSES]
    sys.exit(1 if any(faults) else 0)


if __name__ == "__main__":
    main()
