"""A process that has the engine imported and forks a child for each try: torch is not imported a thousand times.

`ForkServer` is its client. A child is a process as any other: it has a session of its own, runs the command line, and
is sent a real signal, or has its power cut (`power_cut`). One runs at a time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import psutil

from tests.faults import permissions, power_cut

PATIENCE = 120.0  # seconds that a try may take before it counts as hanging
ORPHANS = 20.0  # seconds within which whatever a dead child had started must be gone too


@dataclass(frozen=True)
class Stop:
    """How a try ends early. signal: its number, sent after so many seconds; cut: it is sent, or without one the power
    goes, at the n-th moment at which files change."""

    signal: int = 0
    after: float = 0.0
    cut: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """code: exit code, or minus the signal. moments: at which the power could have been cut. orphans: still alive."""

    code: int
    output: str
    seconds: float
    moments: int = 0
    hung: bool = False
    orphans: list[str] = field(default_factory=list)


class ForkServer:
    """`with ForkServer() as server: server.run(["sweep", "a-study"], folder)`."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.faults.fork_server"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, argv: Sequence[str], folder: Path, stop: Stop | None = None, **environment: str) -> Outcome:
        """`lambda-core ARGV` in the folder, to its end or until it is stopped."""
        request = {"argv": list(argv), "folder": str(folder), "stop": asdict(stop or Stop()), "env": environment}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))


def serve() -> None:
    """Answer requests, a line each, until the input ends."""
    run = _command_line()
    for line in sys.stdin:
        print(json.dumps(asdict(_answer(json.loads(line), run))), flush=True)  # noqa: T201 (the answer)


def _command_line() -> Callable[..., Any]:
    import lambda_core.analysis
    import lambda_core.export
    import lambda_core.workflows  # noqa: F401 (imported here, once, for all children)
    from lambda_core.commands.main import main
    from lambda_core.jobs import list_jobs, start_job

    if find_spec("torchvision"):
        _stand_in_for_cifar()
    of_a_server = {
        "start-job": lambda words: start_job(words, "mine"),
        "resume-job": lambda words: list_jobs()[0].resume(),  # noqa: ARG005
        "cancel-job": lambda words: list_jobs()[0].cancel(),  # noqa: ARG005
    }

    def run(argv: list[str]) -> None:
        of_a_server[argv[0]](argv[1:]) if argv[0] in of_a_server else main(argv)

    return run


def _stand_in_for_cifar() -> None:
    from torchvision import datasets

    from tests.support.cifar_stand_in import CIFAR100

    datasets.CIFAR100 = CIFAR100


def _answer(request: dict[str, Any], run: Callable[..., Any]) -> Outcome:
    folder, stop = Path(request["folder"]), Stop(**request["stop"])
    log, count = folder.with_name(f"{folder.name}.log"), folder.with_name(f"{folder.name}.moments")
    log.touch()
    begun, begins = os.pipe()
    child = os.fork()
    if child == 0:
        _become(request, run, log, count, stop, begins)
    os.close(begins)
    os.read(begun, 1)
    os.close(begun)
    start = time.monotonic()
    code, hung = _wait(child, stop, start)
    moments = int(count.read_text()) if count.exists() else 0
    seconds = time.monotonic() - start
    return Outcome(code, log.read_text(errors="replace"), seconds, moments, hung, _orphans(child))


def _become(request: dict[str, Any], run: Callable[..., Any], log: Path, count: Path, stop: Stop, begins: int) -> None:
    """In the child: never returns. begins: where to write that the work now begins."""
    code = 1
    try:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, out), (2, out)):
            os.dup2(source, target)
        os.chdir(request["folder"])
        os.environ.update(request["env"])
        power_cut.install(Path(request["folder"]), stop.cut, stop.signal, stop.seed, count)
        if "LAMBDA_TEST_BOUND" in request["env"]:
            permissions.bind()
        os.write(begins, b".")
        os.close(begins)
        run(request["argv"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        power_cut.write_count(count)
        os._exit(code)


def _wait(child: int, stop: Stop, start: float) -> tuple[int, bool]:
    """(exit code, or minus the signal that ended it; whether it hung)."""
    sent = hung = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), hung
        if stop.signal and not stop.cut and not sent and time.monotonic() - start >= stop.after:
            os.kill(child, stop.signal)
            sent = True
        if not hung and time.monotonic() - start > PATIENCE:
            os.kill(child, signal.SIGKILL)
            hung = True
        time.sleep(0.002)


def _orphans(session: int) -> list[str]:
    """What is left of a child's session after a moment's patience; ended then."""
    end = time.monotonic() + ORPHANS
    while found := _of_session(session):
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    for process in found:
        process.kill()
    return [f"{process.pid} {process.name()}" for process in found]


def _of_session(session: int) -> list[psutil.Process]:
    found = []
    for pid in psutil.pids():
        try:
            process = psutil.Process(pid)
            if os.getsid(pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (OSError, psutil.NoSuchProcess):  # it has just ended
            continue
    return found


if __name__ == "__main__":
    serve()
