import pytest
import torch

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.batched import adapt_many
from lambda_core.adaptation.pool import AdaptationPool
from lambda_core.backbones.networks import conv4
from lambda_core.errors import ModelError
from lambda_core.patterns.pattern import LambdaPattern

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
