"""What meta-training minimises: the query loss after the inner loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation import BatchedBackbone, Loss, loop_for, loop_over, query_logits, sum_over_episodes
from lambda_core.backbones import Backbone
from lambda_core.compiled import MetaGradient, compiled_meta_bytes, compiled_meta_gradient
from lambda_core.episodes import Episode
from lambda_core.kernels import Weights
from lambda_core.patterns import Row


@dataclass(frozen=True)
class Objective:
    """What meta-training minimises: the query loss after the inner loop, as a function of the initial weights.

    query_loss: `loss`, or its sum over the episodes of a batch.
    """

    backbone: Backbone
    lr: float
    loss: Loss
    query_statistics: str = "transductive"
    query_loss: Loss | None = None

    def of_many(self, episodes: Episode) -> Objective:
        """The same for stacked episodes at once, on a GPU: loss and accuracy are sums over them."""
        backbone = BatchedBackbone.of_many(self.backbone, *_count_and_one(episodes.support_x))
        return replace(self, backbone=backbone, query_loss=sum_over_episodes(self.loss))

    def loss_after_adaptation(
        self, weights: list[Weights], episode: Episode, rows: Sequence[Row]
    ) -> tuple[Tensor, Tensor]:
        """Query loss and accuracy after adaptation; the loss is differentiable through it, to second order."""
        support = (episode.support_x, episode.support_y)
        loop = loop_over(self.backbone, weights, *support, self.lr, self.loss, create_graph=True)
        for row in rows:
            loop.step(row)
        return self.score(loop.weights, episode)

    def compiled(
        self, episode: Episode, rows: Sequence[Row], *, second_order: bool, keeps: bool
    ) -> MetaGradient | None:
        """Loss, accuracy and meta-gradient by the compiled loop, where it applies."""
        if self.query_statistics != "transductive":
            return None
        support, query = (episode.support_x, episode.support_y), (episode.query_x, episode.query_y)
        return compiled_meta_gradient(
            self.backbone, self.backbone.weights(), support, query, self.lr, rows, self.loss,
            second_order=second_order, keeps=keeps,
        )  # fmt: skip

    def compiled_bytes(self, episode: Episode, rows: Sequence[Row], *, keeps: bool) -> int | None:
        """What `compiled` holds at once; None where it does not apply."""
        if self.query_statistics != "transductive" or self.loss is not F.cross_entropy:
            return None
        return compiled_meta_bytes(self.backbone, episode.support_x, episode.query_x, rows, keeps=keeps)

    def trainable(self) -> list[nn.Parameter]:
        """The model's parameters that take gradients."""
        return [value for own in self.backbone.parameters() for value in own.values() if value.requires_grad]

    def adapted(self, weights: list[Weights], episode: Episode, rows: Sequence[Row]) -> list[Weights]:
        """The weights after adaptation, detached from those that it started from."""
        start = [{name: value.detach() for name, value in own.items()} for own in weights]
        loop = loop_for(self.backbone, start, episode.support_x, episode.support_y, self.lr, rows, self.loss)
        loop.run(rows)
        return loop.weights

    def score(self, weights: list[Weights], episode: Episode) -> tuple[Tensor, Tensor]:
        """Query loss and query accuracy (0 to 1; NaN for a regression) under `weights`, both 0-dimensional; sums over
        the episodes where they are many.
        """
        output = query_logits(self.backbone, weights, episode.support_x, episode.query_x, self.query_statistics)
        if episode.query_y.is_floating_point():
            accuracy = torch.full((), math.nan, device=output.device)
        else:
            accuracy = (output.detach().argmax(-1) == episode.query_y).float().mean(-1).sum()
        return (self.query_loss or self.loss)(output, episode.query_y), accuracy


def _count_and_one(stacked_x: Tensor) -> tuple[int, Tensor]:
    return len(stacked_x), stacked_x[0]
