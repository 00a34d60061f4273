"""One adaptation watched step by step: what the Live and Learn pages show. Results are numpy only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation.choosing import loop_for
from lambda_core.adaptation.query_statistics import QueryScorer
from lambda_core.backbones import Backbone, layer_products
from lambda_core.episodes import Episode
from lambda_core.kernels import Weights
from lambda_core.patterns import LambdaPattern, Row, StepState, Trace, lowest_ever, plan_adaptation
from lambda_core.system import synchronise

REPEATS = 3


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
    lowest = lowest_ever(rows, default=len(backbone.layers) - 1)
    logits = torch.stack([queries.logits(weights, lowest) for weights in run.states])
    shown = _states(_support_losses(backbone, episode, run), logits, episode.query_y)
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
    loop = loop_for(backbone, start, episode.support_x, episode.support_y, lr, rows)
    for row in rows:
        losses.append(loop.step(row))
        states.append(list(loop.weights))
        synchronise(episode.support_x)
        ends.append(1e3 * (time.perf_counter() - begin))
    return _Run(states, losses, ends)


def _support_losses(backbone: Backbone, episode: Episode, run: _Run) -> Tensor:
    """(states,): the support loss of every state, NaN before a step that updates nothing."""
    with torch.no_grad():
        last = backbone.forward(run.states[-1], backbone.prepare_input(episode.support_x))
        return torch.stack([*run.losses, F.cross_entropy(last, episode.support_y)])


def _states(support_losses: Tensor, logits: Tensor, labels: Tensor) -> Iterator[StepState]:
    """support_losses: (states,); logits: (states, Q, ways). All that is shown is read back at once."""
    probabilities = logits.softmax(2)
    accuracy = (logits.argmax(2) == labels).float().mean(1)
    query_losses = torch.stack([F.cross_entropy(each, labels) for each in logits])
    numbers = torch.stack([support_losses, query_losses, accuracy], 1)
    read = torch.cat([numbers, logits.flatten(1), probabilities.flatten(1)], 1).cpu().numpy()
    for step in range(len(read) - 2, -1, -1):
        if np.isnan(read[step, 0]):  # a step that updates nothing leaves the loss as it was
            read[step, 0] = read[step + 1, 0]
    outputs, shares = read[:, 3:].reshape(len(read), 2, *logits.shape[1:]).transpose(1, 0, 2, 3)
    for step, (support_loss, query_loss, share_right) in enumerate(read[:, :3].tolist()):
        yield StepState(step, support_loss, query_loss, share_right, outputs[step].argmax(1), shares[step])
