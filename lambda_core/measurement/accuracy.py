"""Accuracy of every pattern at every step count over a bank of episodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import nn

from lambda_core.backbones import Backbone
from lambda_core.episodes import Bank
from lambda_core.measurement.shared_episode import Scores, SharedEpisode
from lambda_core.patterns import LambdaPattern
from lambda_core.system import Meter


def sweep(
    model: nn.Sequential,
    bank: Bank,
    episodes: Sequence[int],
    patterns: Sequence[LambdaPattern],
    max_steps: int,
    lr: float,
    split: str = "val",
    meter: Meter | None = None,
    scales: Sequence[float] = (1.0,),
    query_statistics: str = "transductive",
) -> pd.DataFrame:
    """The accuracy table (split, pattern, steps, lr, episode, accuracy, loss) of one-row `patterns` at 0 … max_steps.

    No adaptation is one row an episode, pattern 00000 at 0 steps and `lr`. scales: multiples of `lr` to measure.
    """
    backbone = Backbone.of(model)
    arms = [(pattern, scale) for scale in scales for pattern in patterns if pattern.updates_anything]
    none = LambdaPattern.named("none", len(backbone.layers))
    places = [(none, 0, lr), *((p, steps, lr * scale) for p, scale in arms for steps in range(1, max_steps + 1))]
    frames = []
    for index in episodes:
        shared = SharedEpisode(backbone, bank[index], lr, query_statistics)
        scores = [shared.unadapted(), *(shared.trajectory(pattern, max_steps, scale) for pattern, scale in arms)]
        frames.append(_frame(places, np.concatenate(scores), index, split))
        if meter:
            meter.advance()
    return pd.concat(frames, ignore_index=True)


def _frame(places: list[tuple[LambdaPattern, int, float]], scores: Scores, episode: int, split: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": split,
            "pattern": [str(pattern) for pattern, *_ in places],
            "steps": np.array([steps for _, steps, _ in places], dtype=np.int16),
            "lr": np.array([lr for *_, lr in places], dtype=np.float32),
            "episode": np.int32(episode),
            "accuracy": scores[:, 0],
            "loss": scores[:, 1],
        }
    )
