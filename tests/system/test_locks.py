"""A lock has one owner, and is free when its owner is gone, whoever has its number by then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_core.errors import BusyError
from lambda_core.system.atomic_files import write_json
from lambda_core.system.locks import locked
from lambda_core.system.stopping import stopped_by_sigterm
from tests.support.making import left_in

HOLD = """
import sys, time
from pathlib import Path
from lambda_core.system import locked
with locked(Path(sys.argv[1]), "the shop is open"):
    print("held", flush=True)
    time.sleep(600)
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_one_is_told_who_has_it_and_a_killed_owner_leaves_it_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path) as process:
        try:
            told = rf"the shop is open by process {process.pid} since .*: wait"
            with pytest.raises(BusyError, match=told), locked(path, "the shop is open"):
                pass
        finally:
            process.kill()
    with locked(path, "the shop is open"):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert left_in(tmp_path) == []


def test_a_number_used_again_is_not_taken_for_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(json.dumps({"pid": os.getppid(), "since": "10:00"}))
    with locked(path, "busy"):
        pass
    assert not path.exists()


def test_it_is_not_had_twice_in_one_process(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", "busy"), pytest.raises(BusyError), locked(tmp_path / "lock", "busy"):
        pass


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(Exception, match="cannot be"), locked(tmp_path / "lock", "busy"):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    (tmp_path / ".a.json.123.part").write_text("half")
    (tmp_path / ".b.json.123.part").write_text("of another file")
    write_json(tmp_path / "a.json", 1)
    assert left_in(tmp_path) == [".b.json.123.part", "a.json"]


def test_asked_to_stop_while_it_is_given_back_it_is_given_back_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def asked_to_stop(*given: object, **more: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        unlink(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", asked_to_stop)
    with pytest.raises(KeyboardInterrupt), stopped_by_sigterm(), locked(tmp_path / "lock", "it is in use"):
        pass
    assert list(tmp_path.iterdir()) == []
