"""The app as a crowd meets it: on a study and images of its own, and on cores of its own where that is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from tests.browser.serving import serving
from tests.support.images import write_images
from tests.support.synthetic import write_study

Cores = frozenset[int]
ANY: Cores = frozenset()
PLACES = {"LAMBDA_STUDIES": "studies", "LAMBDA_DATA": "images", "LAMBDA_JOBS": "jobs"}
PAUSE = (0.5, 3.0)  # seconds between two visits


@contextmanager
def crowd_served(scratch: Path, cores: Cores) -> Iterator[str]:
    """The address of a running app. cores: on which it runs, and what it starts; empty: on any."""
    write_study(scratch / "studies", "cifar-fs-5w1s", episodes=100)
    write_images(scratch / "images" / "cifar-fs")
    folders = {name: str(scratch / place) for name, place in PLACES.items()}
    with ExitStack() as stack:
        with on_cores(cores):
            url = stack.enter_context(serving(scratch / "log", **folders))
        yield url


@contextmanager
def on_cores(cores: Cores) -> Iterator[None]:
    """Within: this thread, and whatever it starts, runs on these cores; empty: as before."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def next_visit(chance: Random) -> tuple[str, str, str]:
    """A page to go to, seed and pattern in its address, and these two."""
    seed, pattern = chance.randrange(1_000_000), f"{chance.randrange(1, 32):05b}"
    pages = [f"live?seed={seed}&pattern={pattern}", f"explore?pattern={pattern}&seed={seed}"]
    return chance.choice(pages), str(seed), pattern
