"""A job outlives its page and its server; whatever of it is killed, Resume goes on to the same files."""

from __future__ import annotations

import pytest

from tests.faults.fork_server import ForkServer
from tests.faults.job_kills import HARMS, JobHarness

TRIED = [("train", harm) for harm in HARMS] + [("sweep", "supervisor killed"), ("sweep", "machine down")]


@pytest.fixture(scope="module")
def harness(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> JobHarness:
    return JobHarness(server, tmp_path_factory.mktemp("jobs"))


@pytest.mark.parametrize(("name", "harm"), TRIED)
def test_a_harmed_job_goes_on_to_the_same_files(harness: JobHarness, name: str, harm: str) -> None:
    harness.attempt(name, harm, seed=0)
