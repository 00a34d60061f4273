"""A full disk, a folder that cannot be written or is gone, two at once: a sentence, and earlier results intact."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lambda_core.studies import Study
from lambda_core.system import locked
from tests.faults.fork_server import ForkServer
from tests.faults.kills import WORKS, KillHarness, contents

WRITERS = ["train", "start", "sweep", "time", "search", "race", "export", "data import", "data fetch"]


@pytest.fixture(scope="module")
def harness(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> KillHarness:
    return KillHarness(server, tmp_path_factory.mktemp("disks"))


@pytest.fixture
def work(harness: KillHarness, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the folder that the work of the test starts from."""
    name = request.getfixturevalue("name")
    return Path(shutil.copytree(harness.folder(WORKS[name].start), tmp_path / "work"))


def run(harness: KillHarness, name: str, folder: Path, **environment: str) -> tuple[int, str]:
    places = {"LAMBDA_DATA": str(folder / "data"), "LAMBDA_STUDIES": str(folder)}
    outcome = harness.server.run(WORKS[name].argv.split(), folder, **places, **environment)
    assert not outcome.hung
    return outcome.code, outcome.output


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("call", [1, 4, 9])
def test_a_full_disk_is_told_and_what_was_there_stays(harness: KillHarness, name: str, call: int, work: Path) -> None:
    """The disk is full from the n-th sync on."""
    before = contents(work)
    code, output = run(harness, name, work, LAMBDA_TEST_FULL=str(call))
    assert "Traceback" not in output
    after = contents(work)
    if code != 0:  # else it needed fewer syncs
        assert os.strerror(errno.ENOSPC) in output, output
        assert code == 2, output
    if (work / "mine" / "study.json").exists():
        Study.load(work / "mine")  # that before, or the new one: full is told even after the last rename
    lost = [path for path in before if after.get(path) != before[path] and not path.endswith("study.json")]
    assert not lost, output
    assert [path for path in after if path.endswith(".part")] == []


@pytest.mark.parametrize("name", WRITERS)
def test_a_place_that_cannot_be_written_is_told(harness: KillHarness, name: str, work: Path) -> None:
    """A file where a folder should be: root may write into any folder, but not into that."""
    target = {"data import": "data/own", "data fetch": "data/cifar-fs", "export": "adapt.onnx"}.get(name)
    target = target or {"train": "mine", "start": "its", "time": "mine/.next"}.get(name, "mine/checkpoint")
    place = work / target
    shutil.rmtree(place, ignore_errors=True)
    if name == "export":
        place.mkdir()
    else:
        place.write_text("in the way")
    code, output = run(harness, name, work)
    assert "Traceback" not in output
    assert (code, target.split("/")[0] in output or Path(target).name in output) == (2, True), output


@pytest.mark.parametrize("name", ["train", "sweep", "time", "search"])
def test_a_folder_deleted_under_a_running_job_is_told(harness: KillHarness, name: str, work: Path) -> None:
    place = work / "mine"
    remover = subprocess.Popen([sys.executable, "-c", REMOVE, str(place), str(place / "checkpoint"), name])
    try:
        code, output = run(harness, name, work)
    finally:
        remover.kill()
        remover.wait()
    assert "Traceback" not in output
    assert code in (0, 2), output
    assert code == 0 or output.strip(), output


REMOVE = """
import shutil, sys, time
from pathlib import Path
place, sign, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
locks = {"train": "checkpoint", "sweep": ".sweep.lock", "time": ".time.lock", "search": ".search.lock"}
while not (place / locks[name]).exists():
    time.sleep(0.001)
time.sleep(0.05)
shutil.rmtree(place, ignore_errors=True)
"""


@pytest.mark.parametrize("name", ["sweep", "time", "search"])
def test_of_two_jobs_on_one_study_the_second_is_told_by_whom(harness: KillHarness, name: str, work: Path) -> None:
    with locked(work / "mine" / f".{name}.lock", "mine is in use"):
        code, output = run(harness, name, work)
    assert code == 2
    assert f"by process {os.getpid()} since" in output


@pytest.mark.parametrize("name", ["sweep", "time", "search"])
def test_a_stale_lock_of_a_number_that_lives_again_holds_nobody_up(harness: KillHarness, name: str, work: Path) -> None:
    """What a killed job left: its file, with a number that by now is another process's."""
    (work / "mine" / f".{name}.lock").write_text(json.dumps({"pid": os.getpid(), "since": "10:00"}))
    code, output = run(harness, name, work)
    assert code == 0, output
    assert not (work / "mine" / f".{name}.lock").exists()


@pytest.mark.parametrize("name", ["sweep"])
def test_a_killed_worker_of_a_sweep_is_a_sentence(harness: KillHarness, name: str, work: Path) -> None:
    argv = [sys.executable, "-m", "lambda_core", *WORKS["sweep of two processes"].argv.split()]
    environment = os.environ | {"LAMBDA_DATA": str(work / "data"), "LAMBDA_STUDIES": str(work)}
    with subprocess.Popen(argv, cwd=work, env=environment, stderr=subprocess.PIPE, text=True) as process:
        _kill_a_worker_of(process.pid)
        _, said = process.communicate()
    assert "Traceback" not in said
    if process.returncode:  # else it was through before
        assert "was lost (killed, or out of memory)" in said
    assert run(harness, name, work)[0] == 0
    assert Study.load(work / "mine").accuracy is not None


def _kill_a_worker_of(parent: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if psutil.Process(parent).status() == psutil.STATUS_ZOMBIE:  # it was through before
            return
        workers = [each for each in psutil.Process(parent).children() if _is_worker(each)]
        if workers:
            workers[-1].send_signal(signal.SIGKILL)
            return
        time.sleep(0.02)
    raise AssertionError("no worker came")


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return False
