"""Many episodes at once in one batch of weights (vmap): for a GPU."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation.inner_loop import InnerLoop
from lambda_core.backbones import Backbone, Layer
from lambda_core.kernels import NormPool, Weights
from lambda_core.patterns import LambdaPattern


def adapt_many(
    model: nn.Sequential, support_x: Tensor, support_y: Tensor, pattern: LambdaPattern, steps: int, lr: float
) -> list[Weights]:
    """Adapt to E support sets at once, each with weights of its own; equal to `adapt` one by one, to float error.

    support_x: (E, N·K, …) float; support_y: (E, N·K) int64 → a dictionary a layer of weights (E, …).
    """
    backbone = _batched(model, pattern)
    count = len(support_x)
    start = [{name: value.expand(count, *value.shape) for name, value in own.items()} for own in backbone.start()]
    loop = InnerLoop(backbone, start, support_x, support_y, lr, _sum_of_means)
    for row in pattern.rows_for(steps):
        loop.step(row)
    return loop.weights


@dataclass(frozen=True)
class BatchedLayer(Layer):
    """A layer whose weights and input have a leading dimension, one entry an episode."""

    chain = None

    def forward(self, weights: Weights, x: Tensor) -> Tensor:
        mapped: Tensor = torch.vmap(super().forward)(weights, x)
        return mapped


def _batched(model: nn.Sequential, pattern: LambdaPattern) -> Backbone:
    plain = copy.deepcopy(model)
    for module in plain.modules():
        if isinstance(module, NormPool):
            module.fused = False
    backbone = Backbone.matching(plain, pattern)
    layers = tuple(BatchedLayer(layer.name, layer.module, layer.tail) for layer in backbone.layers)
    return replace(backbone, lead=tuple(map(_Batched, backbone.lead)), layers=layers)


class _Batched(nn.Module):
    """A parameterless module, mapped over a leading dimension."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        mapped: Tensor = torch.vmap(self.module)(x)
        return mapped


def _sum_of_means(logits: Tensor, labels: Tensor) -> Tensor:
    """Summed over the episodes, so that each one's gradient is that of its own mean."""
    each = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    return each / labels.shape[1]
