"""One episode on which many patterns are run, by the compiled loop where it applies."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lambda_core.backbones import Backbone
from lambda_core.compiled import CompiledLoop, CompiledQueries, compiled_loop
from lambda_core.episodes import Episode
from lambda_core.measurement.shared_episode import InPieces, SharedEpisode
from lambda_core.patterns import LambdaPattern


class CompiledEpisode:
    """As `SharedEpisode`, with transductive queries: one loop, which goes back to its start between patterns."""

    def __init__(self, loop: CompiledLoop, episode: Episode, lr: float) -> None:
        self.loop, self.lr, self.layers = loop, lr, len(loop.start)
        self.query_y, self.queries = episode.query_y, CompiledQueries(loop, episode.query_x)
        loop.gradients(LambdaPattern.full(self.layers).rows[0])
        self.first_gradients = loop.buffers.gradients.row.copy()

    @property
    def held_bytes(self) -> int:
        """Of its buffers, of support images and of queries."""
        return int(self.loop.buffers.nbytes + self.queries.buffers.nbytes + self.first_gradients.nbytes)

    def unadapted(self) -> Tensor:
        """(1, 2): query accuracy and loss without adaptation."""
        self.loop.reset()
        return self._score(self.layers - 1)[None]

    def trajectory(self, pattern: LambdaPattern, steps: int, scale: float = 1.0) -> Tensor:
        """(steps, 2) float32: see `SharedEpisode.trajectory`."""
        matrix, loop = pattern.matrix(steps), self.loop
        lowest = int(matrix.any(0).argmax()) if matrix.any() else self.layers - 1
        loop.reset()
        loop.lr = [self.lr * scale] * self.layers
        scores = []
        for number, row in enumerate(pattern.rows_for(steps)):
            if number == 0:
                loop.buffers.gradients.row[...] = self.first_gradients
                loop.update(row)
            else:
                loop.step(row)
            scores.append(self._score(lowest))
        return torch.stack(scores)

    def _score(self, lowest: int) -> Tensor:
        logits = self.queries.logits(lowest)
        hits = (logits.argmax(1) == self.query_y).float().mean()
        return torch.stack([hits, F.cross_entropy(logits, self.query_y).float()])


def episode_for_many(
    backbone: Backbone, episode: Episode, lr: float, query_statistics: str, at_once: int | None = None
) -> SharedEpisode | CompiledEpisode:
    """The faster of the two that serves: the compiled one for its models, types and transductive queries.

    at_once: so many queries are scored at a time and nothing of them is kept; None: all, see `InPieces`.
    """
    if at_once is not None:
        return InPieces(backbone, episode, lr, query_statistics, at_once)
    loop, queries = None, episode.query_x
    if query_statistics == "transductive" and queries.dtype == episode.support_x.dtype and queries.is_cpu:
        weights = backbone.detached_weights()
        loop = compiled_loop(backbone, weights, episode.support_x, episode.support_y, lr, F.cross_entropy)
    return (
        SharedEpisode(backbone, episode, lr, query_statistics) if loop is None else CompiledEpisode(loop, episode, lr)
    )
