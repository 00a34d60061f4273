"""A runner of known truth, in which one step × layer pattern is the secret best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lambda_core.config import SearchConfig
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import Candidate

COSTS = (442, 1180, 295, 74, 1)
CONFIG = SearchConfig(episodes=8, fresh=300, beam=4)
HIDDEN = "11111/00001"


class Planted:
    """Accuracies of a known truth: every updated step helps a little; HIDDEN for three steps is the secret best."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise, self.calls = noise, 0

    def truth(self, candidate: Candidate) -> float:
        matrix = LambdaPattern.parse(candidate.pattern, 5).matrix(candidate.steps)
        learned = 0.3 + 0.01 * matrix[:, -1].sum() + 0.004 * matrix[:, :-1].sum()
        first, *rest = matrix.tolist()
        if all(first) and rest and not np.any([row[:-1] for row in rest]):
            learned += 0.1 + 0.03 * sum(row[-1] for row in rest)
        return learned

    def __call__(self, candidates: Sequence[Candidate], episodes: range) -> NDArray[np.float64]:
        self.calls += 1
        found = np.array([[self.truth(candidate)] * len(episodes) for candidate in candidates]).reshape(
            len(candidates), len(episodes)
        )
        for column, episode in enumerate(episodes):
            rng = np.random.default_rng(episode)
            found[:, column] += rng.normal(0, 0.05) + self.noise * rng.normal(0, 1, len(candidates))
        return found
