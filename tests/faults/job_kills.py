"""Jobs as the app starts them, harmed at a random moment and resumed: no orphan, and the files of another run."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from lambda_core.jobs import Job, list_jobs
from tests.faults.fork_server import ORPHANS, ForkServer, Outcome, Stop
from tests.faults.kills import SETTINGS, KillHarness, contents, was_done

JOBS = {  # the words of a job by its command, and the folder that it starts from
    "train": (f"train --dataset tiny {SETTINGS} --iterations 55 --out studies/mine", "data"),
    "sweep": ("sweep studies/mine --episodes 12 --queries 2 --max-steps 2 --processes 2", "trained"),
    "time": ("time studies/mine --repeats 2 --anyway", "swept"),
}
PATIENCE = 120.0  # seconds for a job
PLACE, SERVER_KILLED = "LAMBDA_JOBS", "server killed"


class JobHarness:
    """Tries on copies of small studies below `root`."""

    def __init__(self, server: ForkServer, root: Path, states: Path | None = None) -> None:
        self.server, self.root, self._whole = server, root, {}
        self._states = KillHarness(server, root, states)

    def attempt(self, name: str, harm: str, seed: int) -> None:
        """Do that harm at a random moment, go on with the job, and compare. Raises AssertionError."""
        chosen = random.Random(f"{name} {harm} {seed}")
        wanted, seconds, started_in = self._undisturbed(name)
        top = self._place(name, "tried")
        after = chosen.uniform(0, started_in if harm == SERVER_KILLED else seconds)
        where = f"job of {name}, {harm} after {after:.3f} s, seed {seed}"
        if harm == SERVER_KILLED:
            self._run(JOBS[name][0], top, Stop(signal.SIGKILL, after))
        else:
            self._start(name, top)
            time.sleep(after)
            HARMS[harm](self, top)
        _wait(top, where)
        job = self._resumed(name, top, where)
        assert job.state == "done" or was_done(job.last_message), f"{where}: {job.state}\n{job.log[-1500:]}"
        assert "Traceback" not in job.log, f"{where}:\n{job.log[-1500:]}"
        found = contents(top / "studies")
        others = [path for path in found.keys() | wanted if found.get(path) != wanted.get(path)]
        assert not others, f"{others} differ: {where}\n{job.log[-1500:]}"

    def _resumed(self, name: str, top: Path, where: str) -> Job:
        """The job at its end, gone on with where it was stopped; begun anew where its server never began it."""
        if not list_jobs(top / "jobs"):
            self._start(name, top)
        elif (job := list_jobs(top / "jobs")[0]).state != "done":
            resumed = self._run("resume-job", top)
            assert resumed.code == 0, f"{where}, resumed when {job.state}: {resumed.output}"
        _wait(top, where)
        return list_jobs(top / "jobs")[0]

    def _undisturbed(self, name: str) -> tuple[dict[str, Any], float, float]:
        """What it makes, and the seconds that it, and its start, took."""
        if name not in self._whole:
            top, begun = self._place(name, "whole"), time.monotonic()
            started = self._start(name, top)
            _wait(top, name)
            seconds = time.monotonic() - begun
            job = list_jobs(top / "jobs")[0]
            assert job.state == "done", job.log
            self._whole[name] = contents(top / "studies"), seconds, started.seconds
        return self._whole[name]

    def _place(self, name: str, folder: str) -> Path:
        top = self.root / f"job-{folder}"
        shutil.rmtree(top, ignore_errors=True)
        shutil.copytree(self._states.folder(JOBS[name][1]), top / "studies")
        return top

    def _start(self, name: str, top: Path) -> Outcome:
        started = self._run(JOBS[name][0], top)
        assert started.code == 0, started.output
        return started

    def _run(self, words: str, top: Path, stop: Stop | None = None) -> Outcome:
        words = words if words.endswith("-job") else f"start-job {words}"
        places = {"LAMBDA_DATA": "studies/data", "LAMBDA_STUDIES": "studies", PLACE: "jobs"}
        return self.server.run(words.split(), top, stop, **{key: str(top / place) for key, place in places.items()})

    def cancel(self, top: Path) -> None:
        """As the button does."""
        done = self._run("cancel-job", top)
        assert done.code == 0, done.output


def _kill(file: str, send: Callable[[int, int], None] = os.kill) -> Callable[[JobHarness, Path], None]:
    """Kill the process that this file of the job names, where it has begun and not ended."""

    def harm(_: JobHarness, top: Path) -> None:
        noted = list_jobs(top / "jobs")[0].folder / file
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            send(int(json.loads(noted.read_text())["pid"]), signal.SIGKILL)

    return harm


HARMS: dict[str, Callable[[JobHarness, Path], None]] = {
    "supervisor killed": _kill("process.json"),
    "work killed": _kill("work.json"),
    "machine down": _kill("process.json", os.killpg),  # all that it started is of its group
    "cancelled": JobHarness.cancel,
    SERVER_KILLED: lambda *_: None,  # while it starts the job
}


def _wait(top: Path, where: str) -> None:
    """Until the job is at its end, and every process of it. Raises AssertionError for an orphan, ended then."""
    end = time.monotonic() + PATIENCE
    while any(job.state == "running" for job in list_jobs(top / "jobs")):
        assert time.monotonic() < end, f"never at its end: {where}"
        time.sleep(0.02)
    end = time.monotonic() + (PATIENCE if SERVER_KILLED in where else ORPHANS)
    while found := _at_work_for(top):
        if time.monotonic() > end:
            words = [" ".join(process.cmdline()) for process in found]
            for process in found:
                process.kill()
            raise AssertionError(f"orphans {words}: {where}")
        time.sleep(0.05)


def _at_work_for(top: Path) -> list[psutil.Process]:
    """Whatever a job there started: it has its environment."""
    return [process for process in psutil.process_iter() if _environment_of(process).get(PLACE) == str(top / "jobs")]


def _environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
    except psutil.Error:  # it has just ended
        return {}
