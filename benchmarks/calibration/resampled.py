"""Worlds resampled from the shipped studies' tables: skewness, ties and correlations are those that were measured.

The points lost in a study's validation episodes, for each candidate, are taken for a population from which episodes are
drawn with replacement, so the true degradations are known. `tilted` gives them other means: an episode's weight is
exp(λ · points lost), with λ such that the mean is as wished; values and ties stay the measured ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from lambda_core.selection import Candidate, Floats, candidate_index, episode_matrix, same_step_size
from lambda_core.studies import Study

ABOVE = 1e-6  # points by which a true degradation is too large
HALVINGS = 60


@dataclass(frozen=True, eq=False)
class Population:
    """lost: (candidates, episodes), points. truth: (candidates,) means. cumulative: of the episodes' weights, a row a
    candidate; None: all alike.
    """

    lost: Floats
    truth: Floats
    cumulative: Floats | None = None

    @classmethod
    def of(cls, study: Study) -> Self:
        """As measured; candidates of the study's own step size, beside the full pattern at its own steps."""
        candidates, matrix = episode_matrix(study.split("val"))
        full = Candidate("1" * len(study.layers), study.config.steps, study.config.lr)
        reference = candidate_index(candidates, full)
        kept = same_step_size(candidates["lr"], study.config.lr)
        kept[reference] = False
        lost = 100 * (matrix[reference] - matrix[kept])
        return cls(lost, lost.mean(axis=1))

    def tilted(self, means: Floats) -> Population:
        """With truths just above `means`, one value or several that candidates take in turn; without the candidates
        that never lose so much.
        """
        wished = np.resize(means, len(self.lost)) + ABOVE
        possible = (self.lost.max(axis=1) > wished) & (self.lost.min(axis=1) < wished)
        lost, wished = self.lost[possible], wished[possible]
        weights = _weights(lost, wished)
        return Population(lost, (weights * lost).sum(axis=1), np.cumsum(weights, axis=1))

    def draw(self, rng: np.random.Generator, episodes: int) -> Floats:
        """(candidates, episodes); one draw of episodes serves all candidates, as far as their weights are alike."""
        places = rng.uniform(size=episodes)
        last = self.lost.shape[1] - 1
        if self.cumulative is None:
            return self.lost[:, (places * (last + 1)).astype(int)]
        rows = [np.minimum(np.searchsorted(row, places), last) for row in self.cumulative]
        return np.take_along_axis(self.lost, np.array(rows), axis=1)


def _weights(lost: Floats, means: Floats) -> Floats:
    """(candidates, episodes) exponential weights that give each row its wished mean, by bisection."""
    low, high = np.full(len(lost), -100.0), np.full(len(lost), 100.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = (_tilt(lost, middle) * lost).sum(axis=1) < means
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return _tilt(lost, high)


def _tilt(lost: Floats, slope: Floats) -> Floats:
    exponent = slope[:, None] * lost
    weights: Floats = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
