"""Every backbone × every per-layer pattern × random step × layer patterns × both statistics, against the oracle: the
gradient of the query loss after adaptation, second order (through it) and first order (at its end), in float64.

ORACLE_PATTERNS=200 asks for every per-layer and 200 random patterns of each backbone (half an hour); a test run takes
fewer random ones, and fewer of both for torchvision's large network.
"""

from __future__ import annotations

import copy
import os

import pytest
import torch
from torch import Tensor, nn

from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.networks import conv4, mlp, resnet12, resnet_stages
from lambda_core.episodes.episode import Episode
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.training.objective import Objective
from tests.adaptation.test_inner_loop import _random_patterns
from tests.support.oracle import plain_norms, plain_queries

pytestmark = pytest.mark.slow

LR = {"resnet18's kind": 0.005}  # larger steps blow its untrained weights up, and float error with them
COUNT = int(os.environ.get("ORACLE_PATTERNS", "25"))
WHOLE = "ORACLE_PATTERNS" in os.environ


def _images(size: int, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    support = torch.randn(3, channels, size, size, dtype=torch.float64)
    query = torch.randn(4, channels, size, size, dtype=torch.float64)
    return support, torch.arange(3), query, torch.tensor([0, 1, 2, 0])


def _torchvision() -> nn.Sequential:
    from torchvision.models.resnet import BasicBlock, ResNet

    model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=3, width_per_group=64)
    return resnet_stages(model)


def _own(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, stride=2, bias=True),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.Tanh(),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(36, 3),
    )


BACKBONES = {
    "conv4": (lambda: conv4(3, 3, 1, 16), lambda: _images(16, 1)),
    "mlp": (
        lambda: mlp(hidden=6),
        lambda: tuple(torch.randn(count, 1, dtype=torch.float64) for count in (5, 5, 4, 4)),
    ),
    "resnet12": (lambda: resnet12(3, 2, 1), lambda: _images(16, 1)),
    "resnet18's kind": (_torchvision, lambda: _images(32, 3)),
    "own": (lambda: _own(2), lambda: _images(8, 2)),
    "own, grey": (lambda: _own(1), lambda: _images(8, 1)),
}


@pytest.mark.parametrize("statistics", ["transductive", "support"])
@pytest.mark.parametrize("name", BACKBONES)
def test_gradients_through_and_after_adaptation_equal_the_oracle(name, statistics):
    torch.manual_seed(0)
    build, data = BACKBONES[name]
    model = build().double()
    support_x, support_y, query_x, query_y = data()
    loss = nn.functional.mse_loss if query_y.is_floating_point() else nn.functional.cross_entropy
    plain = plain_norms(copy.deepcopy(model)).to(memory_format=torch.contiguous_format)
    backbone, episode = Backbone.of(model), Episode(support_x, support_y, query_x, query_y)
    lr = LR.get(name, 0.05)
    objective = Objective(backbone, lr, loss, statistics)
    layers = len(backbone.layers)
    patterns = LambdaPattern.enumerate(layers) + _random_patterns(layers, COUNT)
    for pattern in patterns[:: 1 if WHOLE or layers < 6 else 8]:
        rows = pattern.rows_for(2)
        ours, _ = objective.loss_after_adaptation(backbone.weights(), episode, rows)
        weights = adapt_by_definition(plain, support_x, support_y, pattern, 2, lr, loss, create_graph=True)
        theirs = loss(plain_queries(plain, weights, support_x, query_x, statistics), query_y)
        _assert_same(_gradients(ours, model), _gradients(theirs, plain), str(pattern))

        adapted = objective.adapted(backbone.weights(), episode, rows)
        ends = [{key: value.requires_grad_() for key, value in own.items()} for own in adapted]
        ours = torch.autograd.grad(objective.score(ends, episode)[0], [v for own in ends for v in own.values()])
        leaves = {key: value.detach().requires_grad_() for key, value in weights.items()}
        value = loss(plain_queries(plain, leaves, support_x, query_x, statistics), query_y)
        _assert_same(ours, torch.autograd.grad(value, list(leaves.values())), str(pattern))


def _gradients(value: Tensor, model: nn.Module) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, list(model.parameters()), allow_unused=True, materialize_grads=True)


def _assert_same(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...], pattern: str) -> None:
    scale = max(float(value.norm()) for value in theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert float((a - b).norm()) < 1e-8 * scale, pattern
