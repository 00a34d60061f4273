"""Long work in a process of its own: it outlives the browser, the page and the server that started it. No torch.

A job is a folder: job.json (what to run), process.json (who supervises it), log (everything the work says; its
progress as JSON lines), work.json (the process of the work itself), exit.json (how it ended), cancelled (a mark). A
supervisor process, started detached, runs `lambda-core …` and writes down how it ended, so that any later server finds
the truth on disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import psutil

from lambda_core.config import is_own
from lambda_core.errors import LambdaError
from lambda_core.studies import check_name, studies_root
from lambda_core.system import locked, write_json

State = Literal["running", "done", "failed", "cancelled", "stopped"]
COMMANDS = ("train", "sweep", "time")
ENGINE = (sys.executable, "-m", "lambda_core")
PROCESSES = ("process.json", "work.json")
PR_SET_PDEATHSIG = 1  # of Linux's prctl(2)
GRACE = 15.0  # seconds between asking the work to stop and killing it
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_LARGEST_LOG = 4 << 20  # bytes looked at


class JobError(LambdaError):
    """A job that cannot be started, stopped or resumed."""


def jobs_root() -> Path:
    """Where jobs lie: $LAMBDA_JOBS, else .jobs beside the folder of studies."""
    return Path(os.environ.get("LAMBDA_JOBS") or studies_root().resolve().parent / ".jobs")


def read_only() -> bool:
    """A public server starts nothing: LAMBDA_READ_ONLY is set to anything but 0."""
    return os.environ.get("LAMBDA_READ_ONLY", "0") not in ("", "0")


@dataclass(frozen=True)
class Job:
    """One piece of work.

    argv: what follows `lambda-core` on the command line. study: name of the study it is about. created: ISO 8601.
    """

    folder: Path
    argv: tuple[str, ...]
    study: str
    created: str

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def command(self) -> str:
        """train, sweep or time."""
        return self.argv[0]

    @property
    def state(self) -> State:
        """stopped: neither at work nor ended by itself, as after the machine went down."""
        if self._alive():
            return "running"
        code = self.exit_code
        if code == 0:  # it was through before a request to stop reached it
            return "done"
        if (self.folder / "cancelled").exists():
            return "cancelled"
        return "stopped" if code is None else "failed"

    @property
    def exit_code(self) -> int | None:
        return _read(self.folder / "exit.json").get("code")

    @property
    def progress(self) -> list[dict[str, Any]]:
        """What the work reported of itself, oldest first: what, done, total, rate, left_s and the numbers it shows."""
        records = (_parsed(line) for line in self.log.splitlines() if line.startswith("{"))
        return [record for record in records if {"what", "done", "total"} <= record.keys()]

    @property
    def log(self) -> str:
        """All that the work wrote, the last few megabytes at most."""
        try:
            with (self.folder / "log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LARGEST_LOG))
                return file.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def last_message(self) -> str:
        """The last line that is no progress: the result, or the error in one sentence."""
        lines = [line for line in self.log.splitlines() if line.strip() and not line.startswith("{")]
        return lines[-1] if lines else ""

    def cancel(self) -> None:
        """Ask the work to stop; it keeps what is done. Killed if it does not within a quarter of a minute."""
        _refuse_read_only()
        if self._alive():
            (self.folder / "cancelled").touch()
            # the supervisor passes it on; where it was killed, the work itself is asked
            name = next((name for name in PROCESSES if _is_alive(_read(self.folder / name))), None)
            if name is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(_read(self.folder / name)["pid"]), signal.SIGTERM)

    def resume(self) -> Job:
        """Go on where the work was stopped. Raises JobError while it is running, and where it is done."""
        with _starting(self.folder.parent):
            if self.state in ("running", "done"):
                raise JobError(f"job {self.id} is {self.state}: there is nothing to resume")
            _check_may_start(self.folder.parent)
            for name in ("cancelled", "exit.json"):
                (self.folder / name).unlink(missing_ok=True)
            return _launch(self)

    def remove(self) -> None:
        """Forget the job; the study that it made stays."""
        _refuse_read_only()
        if self.state == "running":
            raise JobError(f"job {self.id} is running: cancel it first")
        shutil.rmtree(self.folder)

    def _alive(self) -> bool:
        return any(_is_alive(_read(self.folder / name)) for name in PROCESSES)


def start_job(argv: Sequence[str], study: str, root: Path | None = None, engine: Sequence[str] = ()) -> Job:
    """Start `lambda-core ARGV` in a process of its own.

    argv: a command of COMMANDS and its options. study: name of the study it is about. root: of the jobs; None:
    `jobs_root()`. engine: what to start in place of ENGINE.
    Raises JobError for another command, for one that would import code of the user's, on a read-only server, while a
    job is running, and where it cannot be started.
    """
    if not argv or argv[0] not in COMMANDS:
        raise JobError(f"a job runs one of {', '.join(COMMANDS)}, not {' '.join(argv)[:40]!r}")
    if any(_names_code(option, value) for option, value in zip(argv, [*argv[1:], ""], strict=True)):
        raise JobError("a job imports no code: train a network of your own on the command line")
    check_name(study, domain=True)
    root = root or jobs_root()
    _refuse_read_only()
    with _starting(root):
        _check_may_start(root)
        return _start(argv, study, root, engine)


def _names_code(option: str, value: str) -> bool:
    """Whether this option of a command, or with the word after it, has the user's own code imported."""
    flag, _, given = option.partition("=")
    return flag == "--backbone" and is_own(given or value)


def _starting(root: Path) -> AbstractContextManager[None]:
    """Of two that start a job at once, the second sees the first one's."""
    return locked(root / ".starting", "another job is being started", wait=10.0)


def _start(argv: Sequence[str], study: str, root: Path, engine: Sequence[str]) -> Job:
    now = datetime.now(UTC)
    folder = root / f"{now.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    job = Job(folder, tuple(argv), study, now.isoformat("T", "seconds"))
    try:
        request = {"argv": list(job.argv), "study": study, "created": job.created, "engine": list(engine or ENGINE)}
        write_json(job.folder / "job.json", request)
        return _launch(job)
    except OSError as error:
        raise JobError(f"the job cannot be started in {root}: {error.strerror}") from error


def list_jobs(root: Path | None = None) -> list[Job]:
    """All jobs, the latest first; what is no job of ours is left out."""
    root = root or jobs_root()
    folders = sorted(root.iterdir(), reverse=True) if root.is_dir() else []
    jobs = (_load(folder) for folder in folders if _ID.fullmatch(folder.name))
    return [job for job in jobs if job is not None]


def _load(folder: Path) -> Job | None:
    """The job of a folder, or None where it holds none."""
    request = _read_request(folder)
    argv, study = request.get("argv"), request.get("study")
    if not isinstance(argv, list) or not argv or argv[0] not in COMMANDS or not isinstance(study, str):
        return None
    return Job(folder, tuple(map(str, argv)), study, str(request.get("created", "")))


def _read_request(folder: Path) -> dict[str, Any]:
    """job.json; what is now called argv was once called words."""
    request = _read(folder / "job.json")
    return {"argv": request.get("words")} | request


def _refuse_read_only() -> None:
    if read_only():
        raise JobError("this server is read-only (LAMBDA_READ_ONLY): it starts, stops and removes no work")


def _check_may_start(root: Path) -> None:
    _refuse_read_only()
    busy = next((job for job in list_jobs(root) if job.state == "running"), None)
    if busy is not None:
        raise JobError(f"job {busy.id} is running ({busy.command} {busy.study}): wait for its end, or cancel it")


def _launch(job: Job) -> Job:
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "lambda_core.jobs", str(job.folder.resolve())],
        cwd=studies_root().resolve().parent, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    # reaped when it ends; where this server ends first, the supervisor goes on by itself
    threading.Thread(target=supervisor.wait, daemon=True).start()
    _note_process(job.folder / "process.json", supervisor.pid)
    return job


def _environment() -> dict[str, str]:
    """This process's, with folders that mean the same from anywhere: the work runs beside the studies."""
    folders = {"LAMBDA_STUDIES": os.environ.get("LAMBDA_STUDIES"), "LAMBDA_DATA": os.environ.get("LAMBDA_DATA")}
    absolute = {name: str(Path(value).expanduser().absolute()) for name, value in folders.items() if value}
    return dict(os.environ) | absolute


def supervise(folder: Path) -> int:
    """Run the job of `folder` to its end, pass a request to stop on, write down how it ended.

    Raises BusyError where another supervises it already: one whose server was killed before it could note it.
    """
    with locked(folder / ".supervised", f"job {folder.name} is supervised"):
        _note_process(folder / "process.json", os.getpid())
        return _run(folder)


def _run(folder: Path) -> int:
    request, log = _read_request(folder), folder / "log"
    resume = ["--resume"] if request["argv"][0] == "train" and log.exists() else []
    with log.open("ab") as out:
        # a server started in the background ignores SIGINT, and so would its grandchildren
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        command = [*request["engine"], *request["argv"], *resume, "--json"]
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            preexec_fn=partial(_end_with_supervisor, os.getpid()),  # noqa: PLW1509 (a supervisor has one thread)
        )
        signal.signal(signal.SIGTERM, lambda *_: _stop(child))
        _note_process(folder / "work.json", child.pid)
        code = _wait(child)
        if code < 0 and not (folder / "cancelled").exists():
            out.write(f"\n{_killed(-code)}\n".encode())
    write_json(folder / "exit.json", {"code": code, "ended": datetime.now(UTC).isoformat("T", "seconds")})
    return code


def _end_with_supervisor(supervisor: int) -> None:
    """In the child, before the work: where the supervisor is killed, the work is asked to stop, and keeps what is done.

    Linux alone knows how; elsewhere the work goes on, and the job counts as running until its end (work.json).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:  # it was killed just before: nobody would tell
            os._exit(1)


def _killed(number: int) -> str:
    with contextlib.suppress(ValueError):
        return f"the work was killed ({signal.Signals(number).name}), mostly for lack of memory; Resume goes on with it"
    return f"the work was killed (signal {number})"


def _note_process(path: Path, pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        write_json(path, {"pid": pid, "born": psutil.Process(pid).create_time()})


def _is_alive(record: dict[str, Any]) -> bool:
    """Whether the process of this number and birth lives: numbers of dead processes are used again."""
    try:
        process = psutil.Process(int(record["pid"]))
        same = abs(process.create_time() - float(record["born"])) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (KeyError, ValueError, TypeError, OverflowError, psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGINT)  # the command line answers it by keeping what is done
    end = time.monotonic() + GRACE
    while child.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    if child.poll() is None:
        child.kill()


def _wait(child: subprocess.Popen[bytes]) -> int:
    # polled: a signal handler that waits on the child must not find the wait's lock taken
    while child.poll() is None:
        time.sleep(0.1)
    return int(child.returncode)


def _read(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
