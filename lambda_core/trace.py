"""One adaptation watched step by step: what the Live page shows. Results are numpy only."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from lambda_core.chain import Weights
from lambda_core.episode import Episode
from lambda_core.inner_loop import InnerLoop
from lambda_core.model import Backbone, layer_products
from lambda_core.pattern import LambdaPattern
from lambda_core.plan import Plan, plan_adaptation
from lambda_core.statistics import predict

REPEATS = 3


@dataclass(frozen=True)
class Frame:
    """The state after `step` inner steps.

    support_loss, query_loss: mean cross-entropy; accuracy: of the queries, 0 to 1; predictions: (Q,) int64 labels;
    probabilities: (Q, ways) float32.
    """

    step: int
    support_loss: float
    query_loss: float
    accuracy: float
    predictions: NDArray[np.int64]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class Trace:
    """frames: one a step, the unadapted state first. milliseconds: adaptation time up to each step, timed alone."""

    frames: tuple[Frame, ...]
    milliseconds: tuple[float, ...]
    plan: Plan


def trace(
    model: nn.Sequential,
    episode: Episode,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    query_statistics: str = "transductive",
) -> Trace:
    """Adapt to the episode's support set and look at the queries after every step; the model stays as it was."""
    # A copy, since a functional call borrows the module's parameters while it runs: sessions may share a model.
    backbone = Backbone.matching(copy.deepcopy(model), pattern)
    start = backbone.start()
    loop = InnerLoop(backbone, start, episode.support_x, episode.support_y, lr)
    rows = pattern.rows_for(steps)
    frames = [_frame(0, backbone, loop.weights, episode, query_statistics)]
    for step, row in enumerate(rows, start=1):
        loop.step(row)
        frames.append(_frame(step, backbone, loop.weights, episode, query_statistics))
    runs = [_times(backbone, start, episode, pattern, steps, lr) for _ in range(REPEATS)]
    plan = plan_adaptation(pattern, steps, *layer_products(backbone, episode.support_x))
    return Trace(tuple(frames), tuple(np.median(runs, axis=0).tolist()), plan)


def _frame(step: int, backbone: Backbone, weights: list[Weights], episode: Episode, query_statistics: str) -> Frame:
    with torch.no_grad():
        support = backbone.forward(weights, backbone.enter(episode.support_x))
        logits = predict(backbone, weights, episode.support_x, episode.query_x, query_statistics)
        predictions = logits.argmax(1)
    return Frame(
        step=step,
        support_loss=float(F.cross_entropy(support, episode.support_y)),
        query_loss=float(F.cross_entropy(logits, episode.query_y)),
        accuracy=float((predictions == episode.query_y).float().mean()),
        predictions=predictions.cpu().numpy(),
        probabilities=logits.softmax(1).cpu().numpy(),
    )


def _times(
    backbone: Backbone, start: list[Weights], episode: Episode, pattern: LambdaPattern, steps: int, lr: float
) -> list[float]:
    """Milliseconds from the start to the end of each step, 0.0 for none."""
    begin, ends = time.perf_counter(), [0.0]
    loop = InnerLoop(backbone, start, episode.support_x, episode.support_y, lr)
    for row in pattern.rows_for(steps):
        loop.step(row)
        ends.append(1e3 * (time.perf_counter() - begin))
    return ends
