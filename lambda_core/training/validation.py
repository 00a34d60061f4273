"""Validation: the score of the present weights on fixed episodes, and the best weights so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lambda_core.adaptation import in_chunks
from lambda_core.episodes import Bank, Episode, stacked
from lambda_core.patterns import Row
from lambda_core.training.distributed import gathered, share_of
from lambda_core.training.objective import Objective


@dataclass
class BestWeights:
    """The weights with the highest validation score so far (accuracy, or minus the loss of a regression)."""

    score: float = -math.inf
    iteration: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def consider(self, score: float, iteration: int, weights: dict[str, Tensor]) -> None:
        """Take copies of these weights if they score higher."""
        if score > self.score:
            self.score, self.iteration = score, iteration
            self.weights = {name: tensor.detach().clone() for name, tensor in weights.items()}


@dataclass(frozen=True)
class Validation:
    """The first `episodes` of a bank of validation classes, adapted to under `rows`, one a step."""

    objective: Objective
    bank: Bank
    episodes: int
    rows: Sequence[Row]

    def score(self, device: str) -> float:
        """Mean query accuracy, 0 to 1; of a regression, minus the mean loss. torchrun's processes share them."""
        if torch.device(device).type == "cuda":
            parts = in_chunks(lambda part: self._score_together(part, device), range(self.episodes), self.episodes)
            return sum(score for _, score in parts) / self.episodes
        mine = share_of(range(self.episodes))
        found = {index: self._score_of(self.objective, self.bank[index].to(device)) for index in mine}
        scores = gathered(found, self.episodes)
        return sum(scores) / len(scores)

    def _score_together(self, part: range, device: str) -> float:
        episodes = stacked([self.bank[index] for index in part]).to(device)
        return self._score_of(self.objective.of_many(episodes), episodes)

    def _score_of(self, objective: Objective, episode: Episode) -> float:
        weights = objective.adapted(objective.backbone.weights(), episode, self.rows)
        with torch.no_grad():
            loss, accuracy = objective.score(weights, episode)
        return float(-loss if episode.query_y.is_floating_point() else accuracy)
