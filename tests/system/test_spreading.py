"""Pieces spread over processes come back whole, whoever did them; the number of processes is that of the cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from lambda_core.errors import LostWorkerError, PatternError
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.system import spreading


class Squares:
    """Squares numbers, and says in which process."""

    def __init__(self, plus):
        self.plus = plus

    def __call__(self, number):
        return number**2 + self.plus, os.getpid()


class Dies:
    """Ends its process."""

    def __call__(self, _):
        os._exit(1)


class Parses:
    """Reads patterns."""

    def __call__(self, text):
        return LambdaPattern.parse(text, 5)


def test_one_process_is_this_one():
    assert list(spreading.spread(Squares, (1,), [2, 3], 1)) == [(2, (5, os.getpid())), (3, (10, os.getpid()))]
    assert list(spreading.spread(Squares, (1,), [], None)) == []


def test_few_pieces_start_no_processes(monkeypatch):
    monkeypatch.setattr(spreading, "cores", lambda: 64)
    assert list(spreading.spread(Squares, (0,), [2], None)) == [(2, (4, os.getpid()))]


@pytest.mark.slow
def test_several_do_all_of_it():
    found = dict(spreading.spread(Squares, (0,), list(range(9)), 2))
    assert {number: square for number, (square, _) in found.items()} == {number: number**2 for number in range(9)}
    assert os.getpid() not in {place for _, place in found.values()}


@pytest.mark.slow
def test_an_error_there_is_raised_here_and_a_lost_process_told():
    with pytest.raises(PatternError):
        list(spreading.spread(Parses, (), ["x"], 2))
    with pytest.raises(LostWorkerError, match="fewer processes"):
        list(spreading.spread(Dies, (), [1, 2], 2))


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, float("inf")),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, float("inf")),
        ({}, float("inf")),
    ],
)
def test_the_quota_of_a_control_group(files, cores, tmp_path):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert spreading._quota(tmp_path) == cores


def test_cores_are_those_that_this_process_may_use(monkeypatch, tmp_path):
    monkeypatch.setattr(spreading, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7})
    assert spreading.cores() == 3
    (tmp_path / "cpu.max").write_text("50000 100000")
    assert spreading.cores() == 1


def test_a_worker_that_a_broken_pool_overlooks_is_ended():
    others = multiprocessing.active_children()
    stray = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    stray.start()
    spreading._end_all_but(others)
    stray.join(60)
    assert stray.exitcode == -signal.SIGKILL


def test_a_pool_that_breaks_while_work_is_handed_out_is_told(monkeypatch):
    def refuse(*_):
        raise BrokenProcessPool("broken")

    monkeypatch.setattr(ProcessPoolExecutor, "submit", refuse)
    with pytest.raises(LostWorkerError, match="was lost"):
        list(spreading.spread(Dies, (), range(4), 2, torch=False))
