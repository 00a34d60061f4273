"""Two real processes under torchrun train to the weights that one process does, up to the order of summing."""

import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.commands.test_main import TRAIN, run
from tests.support.tiny import write_tiny

pytestmark = pytest.mark.slow


def test_two_processes_train_to_the_weights_of_one(tmp_path):
    arguments = [*TRAIN, "--iterations", "4", "--pretrain", "1", "--root", str(write_tiny(tmp_path / "data")), "--out"]
    run(*arguments, str(tmp_path / "one"))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "lambda_core", *arguments, str(tmp_path / "two")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, atol=1e-5)
