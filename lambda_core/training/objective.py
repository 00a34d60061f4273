"""What meta-training minimises: the query loss after the inner loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lambda_core.adaptation import InnerLoop, Loss, query_logits
from lambda_core.backbones import Backbone
from lambda_core.episodes import Episode
from lambda_core.kernels import Weights
from lambda_core.patterns import Row


@dataclass(frozen=True)
class Objective:
    """What meta-training minimises: the query loss after the inner loop, as a function of the initial weights."""

    backbone: Backbone
    lr: float
    loss: Loss
    query_statistics: str = "transductive"

    def loss_after_adaptation(
        self, weights: list[Weights], episode: Episode, rows: Sequence[Row]
    ) -> tuple[Tensor, Tensor]:
        """Query loss and accuracy after adaptation; the loss is differentiable through it, to second order."""
        loop = self._loop(weights, episode, create_graph=True)
        for row in rows:
            loop.step(row)
        return self.score(loop.weights, episode)

    def adapted(self, weights: list[Weights], episode: Episode, rows: Sequence[Row]) -> list[Weights]:
        """The weights after adaptation, detached from those that it started from."""
        loop = self._loop([{name: value.detach() for name, value in own.items()} for own in weights], episode)
        for row in rows:
            loop.step(row)
        return loop.weights

    def score(self, weights: list[Weights], episode: Episode) -> tuple[Tensor, Tensor]:
        """Query loss and query accuracy (0 to 1; NaN for a regression) under `weights`, both 0-dimensional."""
        output = query_logits(self.backbone, weights, episode.support_x, episode.query_x, self.query_statistics)
        if episode.query_y.is_floating_point():
            accuracy = torch.full((), math.nan, device=output.device)
        else:
            accuracy = (output.detach().argmax(1) == episode.query_y).float().mean()
        return self.loss(output, episode.query_y), accuracy

    def _loop(self, weights: list[Weights], episode: Episode, create_graph: bool = False) -> InnerLoop:
        support = (episode.support_x, episode.support_y)
        return InnerLoop(self.backbone, weights, *support, self.lr, self.loss, create_graph=create_graph)
