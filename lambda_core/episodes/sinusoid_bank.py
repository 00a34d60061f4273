"""The MAML paper's regression: sine curves instead of images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from lambda_core.episodes.episode import Episode
from lambda_core.episodes.sampling import generator


class SinusoidBank:
    """The MAML paper's regression (Finn et al. 2017, 5.1).

    y = a·sin(x − φ) with a in [0.1, 5], φ in [0, π] and x in [-5, 5].
    """

    def __init__(self, split: str, shots: int = 10, queries: int = 10, seed: int = 0) -> None:
        self.split, self.shots, self.queries, self.seed = split, shots, queries, seed

    def curve(self, index: int) -> tuple[float, float]:
        """(amplitude, phase) of episode `index`."""
        amplitude, phase = generator(self.seed, self.split, index).random_sample(2)
        return 0.1 + 4.9 * float(amplitude), np.pi * float(phase)

    def __iter__(self) -> Iterator[Episode]:
        raise TypeError("a bank of episodes has no end: take bank[i], or for i in range(count)")

    def __getitem__(self, index: int) -> Episode:
        amplitude, phase = self.curve(index)
        random = generator(self.seed + 1, self.split, index)
        x = random.random_sample((self.shots + self.queries, 1)) * 10 - 5
        y = torch.from_numpy(amplitude * np.sin(x - phase)).float()
        inputs = torch.from_numpy(x).float()
        return Episode(inputs[: self.shots], y[: self.shots], inputs[self.shots :], y[self.shots :])
