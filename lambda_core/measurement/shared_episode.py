"""One episode on which many patterns are run, with what they share computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lambda_core.adaptation import (
    TOGETHER,
    BatchedBackbone,
    InnerLoop,
    QueryScorer,
    in_chunks,
    loop_over,
    only,
    query_logits,
)
from lambda_core.backbones import Backbone
from lambda_core.episodes import Bank, Episode, stacked
from lambda_core.patterns import LambdaPattern

T = TypeVar("T")


def each_or_together(
    work: Callable[[Backbone, Episode], T], backbone: Backbone, bank: Bank, episodes: Sequence[int]
) -> Iterator[tuple[Sequence[int], T]]:
    """work(backbone, episode) for the bank's `episodes`, on the device that the model lies on: one by one on a CPU, as
    many as fit at once, with a backbone for so many, on a GPU.
    """
    device = next(backbone.model.parameters()).device

    def together(part: range) -> T:
        many = stacked([bank[episodes[place]] for place in part]).to(device)
        return work(BatchedBackbone.of_many(backbone, len(part), many.support_x[0]), many)

    if device.type == "cuda":
        for part, found in in_chunks(together, range(len(episodes)), TOGETHER):
            yield [episodes[place] for place in part], found
    else:
        for index in episodes:
            yield [index], work(backbone, bank[index].to(device))


class SharedEpisode:
    """One episode on which many patterns are run, with what they share computed once; or as many as the backbone is
    batched for, stacked: then scores have one more dimension, (…, E, 2).
    """

    def __init__(self, backbone: Backbone, episode: Episode, lr: float, query_statistics: str = "transductive") -> None:
        self.backbone, self.episode, self.lr = backbone, episode, lr
        self.loop = loop_over(backbone, backbone.detached_weights(), episode.support_x, episode.support_y, lr)
        self._query_loss = torch.vmap(F.cross_entropy) if isinstance(backbone, BatchedBackbone) else F.cross_entropy
        self.layers = len(backbone.layers)
        self.loop.input_of(self.layers - 1)
        _, self.first_gradients = self.loop.fork().gradients(LambdaPattern.full(self.layers).rows[0])
        self.query_statistics = query_statistics

    @cached_property
    def queries(self) -> QueryScorer:
        """What scores the queries, and keeps what does not change of them."""
        return QueryScorer(self.backbone, self.loop.weights, self.episode, self.query_statistics)

    def unadapted(self) -> Tensor:
        """(1, 2): query accuracy and loss without adaptation."""
        return self.score(self.loop, self.layers - 1)[None]

    def trajectory(self, pattern: LambdaPattern, steps: int, scale: float = 1.0) -> Tensor:
        """(steps, 2) float32: query accuracy (0 to 1) and loss after 1 … steps inner steps under `pattern`; not read
        back, so that many can be read at once.

        scale: multiple of the step size. The first step's gradients serve every step size.
        """
        matrix = pattern.matrix(steps)
        lowest = int(matrix.any(0).argmax()) if matrix.any() else self.layers - 1
        loop = self.loop.fork()
        loop.lr = self.lr * scale
        scores = []
        for number, row in enumerate(pattern.rows_for(steps)):
            if number == 0:
                loop.update(only(self.first_gradients, self.backbone.changed_by(row)))
            else:
                loop.step(row)
            scores.append(self.score(loop, lowest))
        return torch.stack(scores)

    def score(self, loop: InnerLoop, lowest: int) -> Tensor:
        """(2,) float32: query accuracy and loss of the loop's weights; those below layer `lowest` are the start's."""
        with torch.inference_mode():
            output = self.logits(loop, lowest)
            hits = (output.argmax(-1) == self.episode.query_y).float().mean(-1)
            loss = self._query_loss(output, self.episode.query_y).float()
            return torch.stack([hits, loss], -1)

    def logits(self, loop: InnerLoop, lowest: int) -> Tensor:
        """Of the queries, (Q, ways); as of `score`."""
        return self.queries.logits(loop.weights, lowest)


class InPieces(SharedEpisode):
    """The same in less memory and more time: `at_once` queries pass through all layers at a time, nothing of them is
    kept. Equal to rounding, where the statistics that normalise a query are not those of the others.
    """

    def __init__(self, backbone: Backbone, episode: Episode, lr: float, query_statistics: str, at_once: int) -> None:
        super().__init__(backbone, episode, lr, query_statistics)
        self.at_once = at_once

    def logits(self, loop: InnerLoop, lowest: int) -> Tensor:  # noqa: ARG002 (all layers are run)
        """Of the queries, (Q, ways)."""
        support = self.episode.support_x
        pieces = torch.split(self.episode.query_x, self.at_once)
        return torch.cat(
            [query_logits(self.backbone, loop.weights, support, each, self.query_statistics) for each in pieces]
        )
