"""Many episodes at once: on a GPU in one batch of weights (vmap), on a CPU in several processes of one thread."""

from __future__ import annotations

import copy
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.chain import Weights
from lambda_core.inner_loop import InnerLoop, adapt
from lambda_core.kernels import NormPool
from lambda_core.model import Backbone, Layer
from lambda_core.pattern import LambdaPattern


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


class AdaptationPool:
    """Processes of one thread each that adapt a model; for throughput on a CPU.

    with AdaptationPool(model, processes=2) as pool:
        weights = pool.adapt_many(support_x, support_y, pattern, steps, lr)
    """

    def __init__(self, model: nn.Sequential, processes: int = 2) -> None:
        Backbone.of(model)  # a model that cannot be adapted is told here, not by a worker that fails to start
        self.processes = processes
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(model,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def adapt_many(
        self, support_x: Tensor, support_y: Tensor, pattern: LambdaPattern, steps: int, lr: float
    ) -> list[list[Weights]]:
        """Adapted weights, episode by episode. support_x: (E, N·K, …), support_y: (E, N·K)."""
        parts = [
            self._pool.submit(_adapt_part, x.contiguous(), y, pattern, steps, lr)
            for x, y in zip(support_x.chunk(4 * self.processes), support_y.chunk(4 * self.processes), strict=True)
        ]
        return [weights for part in parts for weights in _unstacked(part.result())]


_backbone: Backbone | None = None


def _start(model: nn.Sequential) -> None:
    global _backbone  # noqa: PLW0603 (a pool's initializer has no other place to leave what it was given)
    from lambda_core.runtime import start_worker

    start_worker()
    _backbone = Backbone.of(model)


def _adapt_part(support_x: Tensor, support_y: Tensor, pattern: LambdaPattern, steps: int, lr: float) -> list[Weights]:
    """Adapted weights with a leading dimension, one entry an episode: few large tensors cross faster than many."""
    assert _backbone is not None
    pairs = zip(support_x, support_y, strict=True)
    each = [adapt(_backbone, _image_layout(x), y, pattern, steps, lr).weights for x, y in pairs]
    return [
        {name: torch.stack([one[layer][name] for one in each]) for name in own} for layer, own in enumerate(each[0])
    ]


def _unstacked(stacked: list[Weights]) -> Iterator[list[Weights]]:
    count = len(next(iter(stacked[0].values())))
    for index in range(count):
        yield [{name: value[index] for name, value in own.items()} for own in stacked]


def _image_layout(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
