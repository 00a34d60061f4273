"""Accuracy of every pattern at every step count over a bank of episodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from lambda_core.backbones import Backbone
from lambda_core.episodes import Bank, Episode
from lambda_core.measurement.compiled_episode import episode_for_many
from lambda_core.measurement.shared_episode import each_or_together
from lambda_core.patterns import LambdaPattern
from lambda_core.system import Meter

Scores = NDArray[np.float32]


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
    at_once: int | None = None,
) -> pd.DataFrame:
    """The accuracy table (split, pattern, steps, lr, episode, accuracy, loss) of one-row `patterns` at 0 … max_steps.

    No adaptation is one row an episode, pattern 00000 at 0 steps and `lr`. scales: multiples of `lr` to measure. The
    episodes go where the model lies; on a GPU many are run at once. at_once: see `episode_for_many`.
    """
    backbone = Backbone.of(model).checked(*patterns)
    arms = [(pattern, scale) for scale in scales for pattern in patterns if pattern.updates_anything]
    none = LambdaPattern.named("none", len(backbone.layers))
    places = [(none, 0, lr), *((p, steps, lr * scale) for p, scale in arms for steps in range(1, max_steps + 1))]

    def score(one_or_many: Backbone, episode: Episode) -> Scores:
        shared = episode_for_many(one_or_many, episode, lr, query_statistics, at_once)
        scores = [shared.unadapted(), *(shared.trajectory(pattern, max_steps, scale) for pattern, scale in arms)]
        return torch.cat(scores).cpu().numpy()

    frames = []
    for part, found in each_or_together(score, backbone, bank, episodes):
        each = found.reshape(len(places), len(part), 2)
        frames += [_frame(places, each[:, place], index, split) for place, index in enumerate(part)]
        if meter:
            meter.advance(len(part))
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
