"""One adaptation watched step by step: what the Live and Learn pages show. Results are numpy only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation.inner_loop import InnerLoop
from lambda_core.adaptation.query_statistics import QueryScorer
from lambda_core.backbones import Backbone, layer_products
from lambda_core.episodes import Episode
from lambda_core.kernels import Weights
from lambda_core.patterns import AdaptationPlan, LambdaPattern, Row, plan_adaptation

REPEATS = 3


@dataclass(frozen=True)
class StepState:
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
    """states: one a step, the unadapted state first. milliseconds: adaptation time up to each step, timed alone."""

    states: tuple[StepState, ...]
    milliseconds: tuple[float, ...]
    plan: AdaptationPlan


def trace(
    model: nn.Sequential,
    episode: Episode,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    query_statistics: str = "transductive",
) -> Trace:
    """Adapt to the episode's support set and look at the queries after every step; the model stays as it was."""
    backbone = Backbone.matching(model, pattern)
    start, rows = backbone.detached_weights(), pattern.rows_for(steps)
    # The fastest of a few runs: what else the process does at the moment only ever adds.
    run = min((_run(backbone, start, episode, rows, lr) for _ in range(REPEATS)), key=lambda run: run.ends[-1])
    queries = QueryScorer(backbone, start, episode, query_statistics)
    lowest = min((row.index(True) for row in rows if any(row)), default=len(backbone.layers) - 1)
    shown = [
        _state_after(step, loss, queries.logits(weights, lowest), episode.query_y)
        for step, (weights, loss) in enumerate(zip(run.states, _support_losses(backbone, episode, run), strict=True))
    ]
    plan = plan_adaptation(pattern, steps, *layer_products(backbone, episode.support_x))
    return Trace(tuple(shown), tuple(run.ends), plan)


@dataclass(frozen=True)
class _Run:
    """states: the weights after 0, 1, … steps; losses: before each step, NaN where nothing is updated; ends:
    milliseconds until each state.
    """

    states: list[list[Weights]]
    losses: list[Tensor]
    ends: list[float]


def _run(backbone: Backbone, start: list[Weights], episode: Episode, rows: Sequence[Row], lr: float) -> _Run:
    states, losses, ends = [start], [], [0.0]
    begin = time.perf_counter()
    loop = InnerLoop(backbone, start, episode.support_x, episode.support_y, lr)
    for row in rows:
        losses.append(loop.step(row))
        states.append(list(loop.weights))
        ends.append(1e3 * (time.perf_counter() - begin))
    return _Run(states, losses, ends)


def _support_losses(backbone: Backbone, episode: Episode, run: _Run) -> list[float]:
    """The support loss of every state; a step that updates nothing leaves it as it was."""
    with torch.no_grad():
        last = backbone.forward(run.states[-1], backbone.prepare_input(episode.support_x))
    found = [float(F.cross_entropy(last, episode.support_y))]
    for before in reversed(run.losses):
        found.append(found[-1] if before.isnan() else float(before))
    return found[::-1]


def _state_after(step: int, support_loss: float, logits: Tensor, labels: Tensor) -> StepState:
    predictions = logits.argmax(1)
    return StepState(
        step=step,
        support_loss=support_loss,
        query_loss=float(F.cross_entropy(logits, labels)),
        accuracy=float((predictions == labels).float().mean()),
        predictions=predictions.cpu().numpy(),
        probabilities=logits.softmax(1).cpu().numpy(),
    )
