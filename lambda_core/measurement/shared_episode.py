"""One episode on which many patterns are run, with what they share computed once."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from lambda_core.adaptation import InnerLoop, QueryScorer
from lambda_core.backbones import Backbone
from lambda_core.episodes import Episode
from lambda_core.patterns import LambdaPattern

Scores = NDArray[np.float32]


class SharedEpisode:
    """One episode on which many patterns are run, with what they share computed once."""

    def __init__(self, backbone: Backbone, episode: Episode, lr: float, query_statistics: str = "transductive") -> None:
        self.backbone, self.episode, self.lr = backbone, episode, lr
        self.loop = InnerLoop(backbone, backbone.detached_weights(), episode.support_x, episode.support_y, lr)
        self.layers = len(backbone.layers)
        self.loop.input_of(self.layers - 1)
        _, self.first_gradients = self.loop.fork().gradients((True,) * self.layers)
        self.queries = QueryScorer(backbone, self.loop.weights, episode, query_statistics)

    def unadapted(self) -> Scores:
        """(1, 2): query accuracy and loss without adaptation."""
        return self._score(self.loop, self.layers - 1)[None]

    def trajectory(self, pattern: LambdaPattern, steps: int, scale: float = 1.0) -> Scores:
        """(steps, 2) float32: query accuracy (0 to 1) and loss after 1 … steps inner steps under `pattern`.

        scale: multiple of the step size. The first step's gradients serve every step size.
        """
        matrix = pattern.matrix(steps)
        lowest = int(matrix.any(0).argmax()) if matrix.any() else self.layers - 1
        loop = self.loop.fork()
        loop.lr = self.lr * scale
        scores = []
        for number, row in enumerate(pattern.rows_for(steps)):
            if number == 0:
                loop.update({layer: self.first_gradients[layer] for layer, updated in enumerate(row) if updated})
            else:
                loop.step(row)
            scores.append(self._score(loop, lowest))
        return np.stack(scores)

    def _score(self, loop: InnerLoop, lowest: int) -> Scores:
        with torch.inference_mode():
            output = self.queries.logits(loop.weights, lowest)
            hits = (output.argmax(1) == self.episode.query_y).float().mean()
            loss = F.cross_entropy(output, self.episode.query_y)
        return np.array([float(hits), float(loss)], dtype=np.float32)
