"""The plainest possible definition of everything clever: what the engine is held against."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from lambda_core.pattern import LambdaPattern


def plain_masked_sgd(
    model: nn.Sequential,
    x: Tensor,
    y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    loss=F.cross_entropy,
    *,
    create_graph: bool = False,
    layers: tuple[str, ...] = (),
) -> dict[str, Tensor]:
    """Gradient of the support loss for all layers, multiplied by Λ[s], and an SGD step.

    layers: the names that the pattern's columns stand for; by default the children that own parameters.
    """
    weights = dict(model.named_parameters())
    columns = layers or tuple(dict.fromkeys(name.split(".")[0] for name in weights))
    column_of = {name: next(i for i, c in enumerate(columns) if f"{name}.".startswith(f"{c}.")) for name in weights}
    for row in pattern.matrix(steps):
        value = loss(functional_call(model, weights, (x,)), y)
        gradients = torch.autograd.grad(value, list(weights.values()), create_graph=create_graph)
        weights = {
            name: weight - lr * float(row[column_of[name]]) * gradient
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }
    return weights


def plain_conv4(ways: int, filters: int, channels: int, size: int) -> nn.Sequential:
    """4-CONV from the library's own modules, in the textbook order: convolution, norm, ReLU, pooling."""
    blocks = [
        nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(channels if i == 0 else filters, filters, 3, padding=1, bias=False),
                norm=nn.BatchNorm2d(filters, track_running_stats=False),
                relu=nn.ReLU(),
                pool=nn.MaxPool2d(2),
            )
        )
        for i in range(4)
    ]
    named = [(f"conv{i + 1}", block) for i, block in enumerate(blocks)]
    features = filters * (size // 16) ** 2
    return nn.Sequential(OrderedDict([*named, ("flatten", nn.Flatten()), ("head", nn.Linear(features, ways))]))
