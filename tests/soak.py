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

from tests.browser.serving import serving
from tests.faults import mutations, uploads, victims
from tests.faults.crowd import crowd, server_at
from tests.faults.fork_server import ForkServer
from tests.faults.kills import WAYS, WORKS, KillHarness
from tests.support.images import write_images
from tests.support.synthetic import write_study

Tries = Iterator[tuple[str, str | None]]  # what was tried, and the fault that was found
KILLS, MUTATIONS, UPLOADS = 100, 500, 1000  # of each work; of each file; in all
VISITORS, SECONDS = 50, 300.0  # at once, for so long


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


def crowded(share: float, scratch: Path) -> Tries:
    """Browser tabs that explore and adapt live at once; what they waited, and the server's memory in time."""
    write_study(scratch / "studies", "cifar-fs-5w1s", episodes=100)
    write_images(scratch / "images" / "cifar-fs")
    places = {"LAMBDA_STUDIES": "studies", "LAMBDA_DATA": "images", "LAMBDA_JOBS": "jobs"}
    with serving(scratch / "log", **{name: str(scratch / place) for name, place in places.items()}) as url:
        found = crowd(url, server_at(url), _some(VISITORS, share), SECONDS)
    waits, megabytes = sorted(found.waits), [size >> 20 for size in found.memory]
    median, most = waits[len(waits) // 2], waits[-1]
    _say(f"  seconds waited: {median:.1f} median, {most:.1f} most; a queue was seen {found.queues_seen} times")
    _say(f"  MB of the server: {megabytes[:: max(1, len(megabytes) // 12)]}")
    yield from (("visit", None) for _ in range(found.visits))
    yield from (("fault", fault) for fault in found.faults)


HARNESSES: dict[str, Callable[[float, Path], Tries]] = {
    "kills": kills,
    "mutations": mutated,
    "uploads": uploaded,
    "load": crowded,
}


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
