"""Jobs: started, watched, cancelled, resumed; found again by a server that did not start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from lambda_core.errors import BusyError, StudyError
from lambda_core.jobs import Job, JobError, list_jobs, start_job, supervise

pytestmark = pytest.mark.slow

WORK = """
import json, sys, time
from pathlib import Path
kept, rounds = Path(sys.argv[1]), int(sys.argv[2])
done = int(kept.read_text()) if "--resume" in sys.argv and kept.exists() else 0
try:
    while done < rounds:
        time.sleep(0.05)
        done += 1
        record = {"what": "rounds", "done": done, "total": rounds, "loss": 1 / done}
        print(json.dumps(record), file=sys.stderr, flush=True)
except KeyboardInterrupt:
    kept.write_text(str(done))
    print("interrupted; what was done is kept", file=sys.stderr)
    sys.exit(130)
print("all done" if rounds else "nothing to do")
sys.exit(0 if rounds else 2)
"""


LOOK = """
import sys
from pathlib import Path
from lambda_core.jobs import list_jobs
print(list_jobs(Path(sys.argv[1]))[0].state)
"""


@pytest.fixture
def begin(tmp_path: Path) -> Callable[[int], Job]:
    def go(rounds: int) -> Job:
        engine = [sys.executable, "-c", WORK, str(tmp_path / "kept"), str(rounds)]
        return start_job(["train", "--dataset", "glyphs"], "my-study", tmp_path / "jobs", engine)

    return go


def wait_for(ready: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_runs_to_its_end_and_reports(begin: Callable[[int], Job]) -> None:
    job = begin(3)
    wait_for(lambda: job.state != "running")
    assert (job.state, job.exit_code, job.last_message) == ("done", 0, "all done")
    assert [record["done"] for record in job.progress] == [1, 2, 3]


def test_a_failure_is_told(begin: Callable[[int], Job]) -> None:
    job = begin(0)
    wait_for(lambda: job.state != "running")
    assert (job.state, job.exit_code, job.last_message) == ("failed", 2, "nothing to do")


def test_cancelled_then_resumed_goes_on(begin: Callable[[int], Job], tmp_path: Path) -> None:
    job = begin(100_000)
    wait_for(lambda: len(job.progress) >= 2)
    job.cancel()
    wait_for(lambda: job.state != "running")
    assert job.state == "cancelled"
    stopped_at = int((tmp_path / "kept").read_text())
    job.resume()
    wait_for(lambda: job.progress[-1]["done"] > stopped_at)
    assert stopped_at + 1 in [record["done"] for record in job.progress]
    job.cancel()
    wait_for(lambda: job.state == "cancelled")


def test_another_server_finds_it(begin: Callable[[int], Job], tmp_path: Path) -> None:
    job = begin(100_000)
    command = [sys.executable, "-c", LOOK, str(tmp_path / "jobs")]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "running"
    job.cancel()
    wait_for(lambda: job.state == "cancelled")


def test_one_at_a_time(begin: Callable[[int], Job]) -> None:
    job = begin(100_000)
    with pytest.raises(JobError, match="is running"):
        begin(1)
    with pytest.raises(JobError, match="nothing to resume"):
        job.resume()
    with pytest.raises(JobError, match="cancel it first"):
        job.remove()
    job.cancel()
    wait_for(lambda: job.state == "cancelled")
    job.remove()
    assert not job.folder.exists()


def test_a_dead_supervisor_is_no_running_job(begin: Callable[[int], Job]) -> None:
    job = begin(1)
    wait_for(lambda: job.state != "running")
    (job.folder / "exit.json").unlink()
    (job.folder / "process.json").write_text(json.dumps({"pid": os.getpid(), "born": 1.0}))
    assert job.state == "stopped"


@pytest.mark.parametrize("argv", [[], ["rm", "-rf"], ["select", "x"]])
def test_only_the_long_commands(argv: list[str], tmp_path: Path) -> None:
    with pytest.raises(JobError, match="a job runs one of"):
        start_job(argv, "my-study", tmp_path)


@pytest.mark.parametrize("argv", [["train", "--backbone", "os:system"], ["sweep", "mine", "--backbone=os:system"]])
def test_no_code_of_anybodys(argv: list[str], tmp_path: Path) -> None:
    with pytest.raises(JobError, match="a job imports no code"):
        start_job(argv, "my-study", tmp_path)


def test_no_path_as_a_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError):
        start_job(["train"], "../up", tmp_path)


def test_a_read_only_server_starts_nothing(begin: Callable[[int], Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_READ_ONLY", "1")
    with pytest.raises(JobError, match="read-only"):
        begin(1)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"argv": []}', '{"words": ["rm"], "study": "x"}', '{"argv": ["rm"], "study": "x"}', "\x00"]
)
def test_what_is_no_job_is_left_out(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "20261123-101010-abcdef"
    folder.mkdir()
    (folder / "job.json").write_text(text)
    assert list_jobs(tmp_path) == []


def test_a_killed_supervisor_leaves_no_orphan(begin: Callable[[int], Job]) -> None:
    job = begin(100_000)
    wait_for(lambda: len(job.progress) >= 2)
    supervisor = json.loads((job.folder / "process.json").read_text())["pid"]
    work = json.loads((job.folder / "work.json").read_text())["pid"]
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: job.state == "stopped")
    assert not psutil.pid_exists(work) or psutil.Process(work).status() == psutil.STATUS_ZOMBIE


def test_work_without_its_supervisor_is_running_and_not_started_twice(begin: Callable[[int], Job]) -> None:
    job = begin(1)
    wait_for(lambda: job.state != "running")
    (job.folder / "exit.json").unlink()
    me = {"pid": os.getpid(), "born": psutil.Process().create_time()}
    (job.folder / "work.json").write_text(json.dumps(me))
    assert job.state == "running"
    with pytest.raises(JobError, match="nothing to resume"):
        job.resume()


def test_work_that_is_killed_says_so(begin: Callable[[int], Job]) -> None:
    job = begin(100_000)
    wait_for(lambda: len(job.progress) >= 2)
    os.kill(json.loads((job.folder / "work.json").read_text())["pid"], signal.SIGKILL)
    wait_for(lambda: job.state == "failed")
    assert "the work was killed (SIGKILL)" in job.last_message


def test_of_two_simultaneous_starts_one_starts(begin: Callable[[int], Job]) -> None:
    def attempt(_: int) -> Job | None:
        try:
            return begin(100_000)
        except JobError:
            return None

    with ThreadPoolExecutor(4) as pool:
        started = [job for job in pool.map(attempt, range(4)) if job is not None]
    assert len(started) == 1
    started[0].cancel()
    wait_for(lambda: started[0].state == "cancelled")


def test_one_that_was_through_before_it_could_be_cancelled_is_done(begin: Callable[[int], Job]) -> None:
    job = begin(1)
    wait_for(lambda: job.state != "running")
    (job.folder / "cancelled").touch()
    assert job.state == "done"


def test_no_second_supervisor_takes_a_job_over(begin: Callable[[int], Job]) -> None:
    """As where the first one's server was killed before it had noted whom it had started."""
    job = begin(200)
    wait_for(lambda: len(job.progress) >= 2)
    with pytest.raises(BusyError, match="is supervised by process"):
        supervise(job.folder)
    job.cancel()
    wait_for(lambda: job.state == "cancelled")
    assert len([line for line in job.log.splitlines() if '"done": 1,' in line]) == 1
