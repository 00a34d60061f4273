"""Kill anything, any time: nothing is lost, and the result is that of an undisturbed run."""

from __future__ import annotations

import pytest

from tests.faults.fork_server import ForkServer
from tests.faults.kills import WAYS, WORKS, KillHarness

TRIES = 1


@pytest.fixture(scope="module")
def harness(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> KillHarness:
    return KillHarness(server, tmp_path_factory.mktemp("kills"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WORKS)
def test_killed_work_goes_on_to_the_same_files(harness: KillHarness, name: str, way: str) -> None:
    for seed in range(TRIES):
        harness.attempt(name, way, seed)
