"""Real processes under torchrun train to the weights that one process does, up to the order of summing.

They share no disk: each starts in a folder of its own, and only the first one's is written to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from tests.commands.test_main import TRAIN, run
from tests.support.tiny import write_tiny

pytestmark = pytest.mark.slow

# starts the command line in a folder that bears the number of the process
RANK = """
import os
from pathlib import Path
place = Path(os.environ["PLACES"]) / os.environ["RANK"]
place.mkdir(parents=True, exist_ok=True)
os.chdir(place)
from lambda_core.commands.main import main
main()
"""
# before: kills process 1 at the fourth iteration of the first start, and process 0 at the sixth of the second
KILLED_IN_TURN = """
import os, signal
from lambda_core.training import meta_trainer
meta_trainer.CHECKPOINT_EVERY = 2
iterate, doomed = meta_trainer.MetaTrainer.iterate, {"0": ("1", 3), "1": ("0", 5)}
def perhaps(trainer):
    if doomed.get(os.environ["TORCHELASTIC_RESTART_COUNT"]) == (os.environ["RANK"], trainer.iteration):
        os.kill(os.getpid(), signal.SIGKILL)
    iterate(trainer)
meta_trainer.MetaTrainer.iterate = perhaps
"""
SETTINGS = [*TRAIN, "--iterations", "4", "--pretrain", "1"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_tiny(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def alone(tmp_path_factory, data):
    """The weights that one process trains to."""
    folder = tmp_path_factory.mktemp("alone") / "study"
    run(*SETTINGS, "--root", data, "--out", str(folder))
    return load_file(folder / "weights.safetensors")


@pytest.fixture
def torchrun(tmp_path, data):
    """torchrun(2, "train", …): starts processes that share no disk; `.places` holds a folder for each."""
    script, places = tmp_path / "rank.py", tmp_path / "places"
    script.write_text(RANK)

    def start(count, *arguments, restarts=0):
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PLACES": str(places)}
        return subprocess.Popen(
            [*torchrun, "--max-restarts", str(restarts), str(script), *arguments, "--root", data, "--out", "study"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    start.places = places
    return start


def ended(process, code=0):
    try:
        out, err = process.communicate(timeout=400)
    except subprocess.TimeoutExpired:
        for each in [*psutil.Process(process.pid).children(recursive=True), process]:
            each.kill()
        raise
    assert (process.returncode == 0) == (code == 0), err
    return out + err


def weights_of(torchrun):
    return load_file(torchrun.places / "0" / "study" / "weights.safetensors")


def assert_close(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_any_number_of_processes_trains_to_the_weights_of_one(count, torchrun, alone):
    told = ended(torchrun(count, *SETTINGS))
    assert told.count("best validation score") == 1, "only the first process tells"
    assert_close(weights_of(torchrun), alone)
    written = {place.name for place in torchrun.places.iterdir() if list(place.iterdir())}
    assert written == {"0"}, "only the first process writes"


def test_a_training_goes_on_with_another_number_of_processes(torchrun, alone):
    ended(torchrun(2, *SETTINGS, "--stop-at", "3"))
    ended(torchrun(3, *SETTINGS, "--resume"))
    assert_close(weights_of(torchrun), alone)


def test_processes_killed_in_turn_are_started_again_and_train_to_the_same_weights(torchrun, tmp_path):
    longer = [*SETTINGS, "--iterations", "8"]
    ended(torchrun(2, *longer))
    undisturbed = weights_of(torchrun)
    shutil.rmtree(torchrun.places)
    (tmp_path / "rank.py").write_text(KILLED_IN_TURN + RANK)
    told = ended(torchrun(2, *longer, restarts=2))
    assert told.count("exitcode: -9") + told.count("exitcode  : -9") >= 2, told
    found = weights_of(torchrun)
    assert all(np.array_equal(found[name], value) for name, value in undisturbed.items())


def test_what_one_process_refuses_ends_all(torchrun):
    ended(torchrun(2, *SETTINGS, "--stop-at", "3"))
    told = ended(torchrun(2, *SETTINGS), code=2)
    assert "holds a study already" in told
    assert "Traceback" not in told.partition("torch/distributed")[0]


def test_processes_that_disagree_refuse_in_a_sentence(torchrun):
    other = torchrun.places.parent / "rank.py"
    other.write_text('import os, sys\nif os.environ["RANK"] == "1":\n    sys.argv += ["--seed", "5"]\n' + RANK)
    assert "process 1 has another setting than process 0" in ended(torchrun(2, *SETTINGS), code=2)
