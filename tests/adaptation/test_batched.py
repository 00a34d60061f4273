import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.batched import adapt_many
from lambda_core.adaptation.pool import AdaptationPool
from lambda_core.backbones.networks import conv4
from lambda_core.errors import ModelError
from lambda_core.patterns.pattern import LambdaPattern

pytestmark = pytest.mark.slow

PATTERNS = [LambdaPattern.parse(text, 5) for text in ("11111", "00001", "00110", "10000", "11111/00001", "00000")]


@pytest.fixture(scope="module")
def episodes():
    torch.manual_seed(0)
    model = conv4(3, 4, 2, 16).double()
    return (
        model,
        torch.randn(5, 6, 2, 16, 16, dtype=torch.float64),
        torch.stack([torch.randperm(3).repeat(2) for _ in range(5)]),
    )


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_a_batch_of_weights_equals_one_by_one(episodes, pattern):
    model, x, y = episodes
    together = adapt_many(model, x, y, pattern, 3, 0.1)
    for index in range(len(x)):
        alone = adapt(model, x[index], y[index], pattern, 3, 0.1).weights
        for ours, theirs in zip(together, alone, strict=True):
            assert all(torch.allclose(ours[name][index], theirs[name], atol=1e-10) for name in theirs)


def test_processes_equal_one_by_one(episodes):
    model, x, y = episodes
    with AdaptationPool(model, processes=2) as pool:
        found = pool.adapt_many(x, y, PATTERNS[4], 3, 0.1)
    assert len(found) == len(x)
    for index, weights in enumerate(found):
        alone = adapt(model, x[index], y[index], PATTERNS[4], 3, 0.1).weights
        for ours, theirs in zip(weights, alone, strict=True):
            assert all(torch.allclose(ours[name], theirs[name], atol=1e-12) for name in theirs)


def test_a_model_that_cannot_be_adapted_is_refused_before_a_process_starts():
    with pytest.raises(ModelError, match=r"Dropout|dropout"):
        AdaptationPool(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5), torch.nn.Linear(2, 2)))


def test_a_pool_without_a_main_guard_says_what_to_do(tmp_path):
    program = """
import torch
from lambda_core import LambdaPattern, conv4
from lambda_core.adaptation import AdaptationPool
from lambda_core.errors import LostWorkerError
try:
    with AdaptationPool(conv4(3, 4, 1, 16), processes=1) as pool:
        pool.adapt_many(torch.randn(1, 3, 1, 16, 16), torch.arange(3)[None], LambdaPattern.parse("00001", 5), 1, 0.1)
except LostWorkerError as error:
    print(error)
"""
    (tmp_path / "unguarded.py").write_text(program)
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, tmp_path / "unguarded.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert 'under if __name__ == "__main__":' in done.stdout
