"""The promise on models as people write them: equal to the definition on the whole model, or refused in words.

No third outcome; and the model, its buffers and the data stay as they were.
"""

from __future__ import annotations

import copy
import os
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.backbones import Backbone
from lambda_core.errors import LambdaError
from lambda_core.patterns import LambdaPattern, Update
from tests.support.random_models import CHANNELS, SIZE, WAYS, random_model

LR, BATCH = 0.05, 25
MODELS = int(os.environ.get("RANDOM_MODELS", "2000"))


def outcome(seed: int) -> str:
    """equal, or the first words of the refusal; raises AssertionError for a third outcome."""
    model = random_model(seed)
    random = np.random.RandomState(seed)
    x = torch.from_numpy(random.standard_normal((6, CHANNELS, SIZE, SIZE)))
    y = torch.from_numpy(random.randint(0, WAYS, 6))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images, torch_state = x.clone(), torch.get_rng_state()
    try:
        backbone = Backbone.of(model, split=bool(random.randint(2)))
        layers = len(backbone.layers)
        matrix = random.choice(len(Update), (2, layers), p=(0.4, 0.4, 0.2))
        matrix[0, -1] |= not matrix.any()  # what calls no layer finds out nothing about it
        pattern = LambdaPattern.from_matrix(matrix.tolist())
        adapted = adapt(backbone, x, y, pattern, 2, LR)
    except LambdaError as error:
        result = " ".join(str(error).split()[:12])
    else:
        result = "equal"
        _assert_equal(model, adapted, x, y, pattern, backbone.names)
    assert torch.equal(x, images), "the data have changed"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items()), "the model has changed"
    torch.set_rng_state(torch_state)
    return result


def _assert_equal(model: nn.Module, adapted, x, y, pattern, names) -> None:
    plain = copy.deepcopy(model)
    wanted = _by_definition(plain, x, y, pattern, names)
    if wanted is None:
        return
    found = {f"{layer}.{name}": value for layer, own in zip(names, adapted.weights, strict=True)
             for name, value in own.items()}  # fmt: skip
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-8, atol=1e-10, equal_nan=True)
    with torch.no_grad():
        output = functional_call(copy.deepcopy(model), wanted, (x.clone(),))
        torch.testing.assert_close(adapted.model(x.clone()), output, rtol=1e-8, atol=1e-9, equal_nan=True)


def _by_definition(plain: nn.Module, x, y, pattern, names) -> dict[str, torch.Tensor] | None:
    """None where in-place modules let no gradient of the whole model be taken, so that it has no definition."""
    try:
        return adapt_by_definition(plain, x, y, pattern, 2, LR, layers=names)
    except RuntimeError as error:
        if "inplace" not in str(error):
            raise
        return None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", range(0, MODELS, BATCH))
def test_every_model_is_adapted_as_defined_or_refused_in_words(first):
    results = Counter(outcome(seed) for seed in range(first, first + BATCH))
    assert results["equal"] >= BATCH // 5, results


@pytest.mark.filterwarnings("ignore")
def test_a_few_of_them():
    results = Counter(outcome(seed) for seed in range(10_000, 10_030))
    assert results["equal"] >= 10
    assert len(results) > 2
