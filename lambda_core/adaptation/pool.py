"""Many episodes at once in several processes of one thread: for a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Self

import torch
from torch import Tensor, nn

from lambda_core.adaptation.adapting import adapt
from lambda_core.backbones import Backbone
from lambda_core.errors import LostWorkerError
from lambda_core.kernels import Weights
from lambda_core.patterns import LambdaPattern
from lambda_core.system import NO_MAIN_GUARD, worker_pool


class AdaptationPool:
    """Processes of one thread each that adapt a model; for throughput on a CPU.

    with AdaptationPool(model, processes=2) as pool:
        weights = pool.adapt_many(support_x, support_y, pattern, steps, lr)
    """

    def __init__(self, model: nn.Sequential, processes: int = 2) -> None:
        Backbone.of(model)  # a model that cannot be adapted is told here, not by a worker that fails to start
        self.processes = processes
        self._pool = worker_pool(processes, _keep_backbone, model)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def adapt_many(
        self, support_x: Tensor, support_y: Tensor, pattern: LambdaPattern, steps: int, lr: float
    ) -> list[list[Weights]]:
        """Adapted weights, episode by episode. support_x: (E, N·K, …), support_y: (E, N·K).

        Raises LostWorkerError where a worker ended or could not start.
        """
        parts = [
            self._pool.submit(_adapt_part, x.contiguous(), y, pattern, steps, lr)
            for x, y in zip(support_x.chunk(4 * self.processes), support_y.chunk(4 * self.processes), strict=True)
        ]
        try:
            return [weights for part in parts for weights in _unstacked(part.result())]
        except BrokenProcessPool as error:
            raise LostWorkerError(f"a process that adapts was lost: memory is short, or {NO_MAIN_GUARD}") from error


_backbone: Backbone | None = None


def _keep_backbone(model: nn.Sequential) -> None:
    global _backbone  # noqa: PLW0603 (a pool's initializer has no other place to leave what it was given)
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
