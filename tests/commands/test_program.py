"""Ctrl-C in a program's first and last instants: a sentence or nothing, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ASKED = "import os, signal\nos.kill(os.getpid(), signal.{name})\n"
AT_THE_END = """
import os, signal, sys, threading

def wait():
    threading.main_thread().join()
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=wait).start()
sys.argv = ["lambda-core", "--help"]
from lambda_core.__main__ import program
program()
"""


def outcome(*argv: str, path: Path | None = None) -> tuple[int, str]:
    """Exit code, and what it said on standard error. path: where modules are looked for first."""
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), str(Path.cwd())])
    done = subprocess.run(
        [sys.executable, *argv], capture_output=True, text=True, check=False, env=environment, preexec_fn=_listen
    )
    return done.returncode, done.stderr


def _listen() -> None:
    """As in a terminal: what a shell starts in the background ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_while_it_is_imported_nothing_was_written(tmp_path: Path) -> None:
    for name in ("SIGINT", "SIGTERM"):
        (tmp_path / "click.py").write_text(ASKED.format(name=name))
        said = outcome("-m", "lambda_core", "report", path=tmp_path)
        assert said == (130, "lambda-core: interrupted; nothing was written\n")


def test_when_all_is_done_it_comes_too_late() -> None:
    assert outcome("-c", AT_THE_END) == (0, "")
