"""Whoever times wants the machine for itself: other work is seen, named and refused."""

from __future__ import annotations

import subprocess
import sys
import tempfile

import psutil
import pytest

from lambda_core.errors import BusyError
from lambda_core.system import company


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """No other test's lock is met."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_process_at_work_is_seen_unless_it_is_ours():
    loop = [sys.executable, "-c", "while True: pass"]
    # a shell that ends at once leaves its loop to nobody: no child of ours
    shell = subprocess.run(["sh", "-c", '"$@" >/dev/null & echo $!', "sh", *loop], stdout=subprocess.PIPE, check=True)
    stranger = psutil.Process(int(shell.stdout))
    mine = subprocess.Popen(loop)
    try:
        taken = company.others_cores(0.5)
        assert taken[stranger] > 0.02
        assert psutil.Process(mine.pid) not in taken
    finally:
        stranger.kill()
        mine.kill()
        mine.wait()


def test_company_is_refused_by_name(monkeypatch):
    me = next(process for process in psutil.process_iter(["name"]) if process == psutil.Process())
    monkeypatch.setattr(company, "others_cores", lambda _: {me: 0.9})
    with pytest.raises(BusyError, match=rf"0.9 cores, most by process {me.pid}, .*--anyway"), company.alone():
        pass
    with company.alone(anyway=True):
        pass


def test_two_timings_do_not_meet(monkeypatch):
    monkeypatch.setattr(company, "others_cores", lambda _: {})
    with company.alone(), pytest.raises(BusyError, match="being timed"), company.alone():
        pass
