import copy
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import torch

from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.episodes.sinusoid_bank import SinusoidBank
from lambda_core.errors import BusyError, LostWorkerError, PatternError
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.system import worker
from lambda_core.system.worker import WorkerProcess, call
from lambda_core.workflows.watch import ready
from tests.support.tiny import tiny_dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def worker_process():
    return WorkerProcess()


def test_work_runs_in_one_other_process_of_one_thread(worker_process):
    with ThreadPoolExecutor(4) as visitors:
        found = set(visitors.map(lambda _: worker_process.run(os.getpid), range(8)))
    assert len(found) == 1
    assert found != {os.getpid()}
    assert worker_process.run(torch.get_num_threads) == 1


def test_an_error_there_is_raised_here(worker_process):
    with pytest.raises(PatternError, match="'x'"):
        worker_process.run(LambdaPattern.parse, "x", 5)


def test_a_lost_worker_is_replaced(worker_process):
    lost = worker_process.run(os.getpid)
    os.kill(lost, signal.SIGKILL)
    with ThreadPoolExecutor(4) as visitors:
        found = set(visitors.map(lambda _: worker_process.run(os.getpid), range(4)))
    assert len(found) == 1
    assert lost not in found


def test_work_that_no_worker_survives_is_told_and_harms_no_other(worker_process):
    with pytest.raises(LostWorkerError, match="memory"):
        worker_process.run(os._exit, 1)
    assert worker_process.run(ready)


def test_a_worker_that_does_not_answer_is_replaced(monkeypatch):
    monkeypatch.setattr(worker, "STARTING", 60.0)
    worker_process = WorkerProcess(patience=3.0)
    stopped = worker_process.run(os.getpid)
    os.kill(stopped, signal.SIGSTOP)
    with ThreadPoolExecutor(4) as visitors:
        found = set(visitors.map(lambda _: worker_process.run(os.getpid), range(4)))
    assert len(found) == 1
    assert stopped not in found
    assert worker_process.replaced == 1
    assert not psutil.pid_exists(stopped) or psutil.Process(stopped).status() == psutil.STATUS_ZOMBIE


def test_one_that_hangs_from_the_start_is_told(monkeypatch):
    monkeypatch.setattr(worker, "STARTING", 0.2)
    worker_process = WorkerProcess(patience=0.2)
    with pytest.raises(LostWorkerError, match=r"did not answer for 0\.2 s"):
        worker_process.run(time.sleep, 600)
    assert worker_process.replaced == 2


def test_an_error_of_the_work_is_no_hanging_worker(worker_process):
    with pytest.raises(TimeoutError, match="of its own"):
        worker_process.run(raise_timeout)
    assert worker_process.run(ready)


def raise_timeout():
    raise TimeoutError("of its own")


def test_what_waits_is_counted_and_bounded():
    worker_process = WorkerProcess(most_waiting=3)
    with ThreadPoolExecutor(3) as visitors:
        waiting = [visitors.submit(worker_process.run, time.sleep, 1.0) for _ in range(3)]
        while worker_process.waiting < 3:
            time.sleep(0.01)
        with pytest.raises(BusyError, match="3 adaptations wait for their turn"):
            worker_process.run(ready)
        assert [each.result() for each in waiting] == [None] * 3
    assert worker_process.waiting == 0
    assert worker_process.run(ready)


def test_no_one_waits_for_a_turn_that_does_not_come(tmp_path, monkeypatch):
    """Whose turn it is goes on; the one that waits is told, and its work is never begun."""
    monkeypatch.setenv("WAITED_FOR", str(tmp_path / "go"))
    worker_process = WorkerProcess(longest_wait=0.2)
    with ThreadPoolExecutor(1) as visitors:
        first = visitors.submit(worker_process.run, wait_for_file)
        while not (tmp_path / "go.waits").exists():
            time.sleep(0.01)
        with pytest.raises(BusyError, match=r"took 0\.2 s and more: try again"):
            worker_process.run((tmp_path / "never").touch)
        (tmp_path / "go").touch()
        first.result()
    assert worker_process.waiting == 0
    assert worker_process.run(ready)
    assert not (tmp_path / "never").exists()


def test_ctrl_c_reaches_the_worker_through_its_parent_only(worker_process):
    worker = worker_process.run(os.getpid)
    os.kill(worker, signal.SIGINT)
    assert worker_process.run(os.getpid) == worker


def test_it_ends_with_its_parent(tmp_path):
    program = (
        "import os, time\nfrom lambda_core.system.worker import WorkerProcess\n"
        "if __name__ == '__main__':\n    print(WorkerProcess().run(os.getpid), flush=True)\n    time.sleep(600)\n"
    )
    (tmp_path / "parent.py").write_text(program)
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, tmp_path / "parent.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=20)


def test_work_is_asked_for_by_name(worker_process):
    assert worker_process.run(call, "workflows:ready") is True
    with pytest.raises(AttributeError, match="no_such_work"):
        worker_process.run(call, "workflows:no_such_work")
    with pytest.raises(ModuleNotFoundError, match=r"lambda_core\.os"):  # of our own package alone
        worker_process.run(call, "os:getpid")


def wait_for_file():
    """In the worker: says that it waits; ends when the file named in the environment is there, and fails where it never
    comes."""
    Path(f"{os.environ['WAITED_FOR']}.waits").touch()
    for _ in range(3000):
        if Path(os.environ["WAITED_FOR"]).exists():
            return
        time.sleep(0.01)
    raise TimeoutError("whoever was to write the file waited for this instead")


@pytest.mark.parametrize(
    "bank", [EpisodeBank(tiny_dataset(), "val", 3, 2, 4), SinusoidBank("val")], ids=["images", "sine"]
)
def test_an_episode_crosses_over_as_it_is(bank):
    sent = bank[3]
    came = pickle.loads(pickle.dumps(sent))
    assert came.class_names == sent.class_names
    for name in ("support_x", "support_y", "query_x", "query_y"):
        ours, theirs = getattr(sent, name), getattr(came, name)
        assert torch.equal(ours, theirs)
        assert (ours.stride(), ours.dtype) == (theirs.stride(), theirs.dtype)
    assert torch.equal(copy.copy(sent).query_x, sent.query_x)
