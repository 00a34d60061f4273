"""The meta-gradient with one step's graph at a time: less memory, more time, the same result."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lambda_core.adaptation import loop_over
from lambda_core.episodes import Episode
from lambda_core.kernels import Weights
from lambda_core.patterns import Row
from lambda_core.training.objective import Objective


def stepwise_gradient(
    objective: Objective, episode: Episode, rows: Sequence[Row]
) -> tuple[Tensor, Tensor, list[Weights]]:
    """Query loss and accuracy after the steps; the loss's gradient to the weights before them, a dictionary a layer.

    Exact: the steps are taken without a graph, and each again with its own, the last one first. At any time there is
    the graph of one step, or of the queries, and the weights of all steps.
    """
    states = [[{name: value.detach() for name, value in own.items()} for own in objective.backbone.weights()]]
    for row in rows:
        states.append(objective.adapted(states[-1], episode, [row]))
    leaves = _leaves(objective, states.pop())
    loss, accuracy = objective.score(leaves, episode)
    gradient = _gradients([loss], leaves)
    for row in reversed(rows):
        leaves = _leaves(objective, states.pop())
        after = _step(objective, leaves, episode, row)
        gradient = _gradients(_flat(after), leaves, _flat(gradient))
    return loss.detach(), accuracy, gradient


def _step(objective: Objective, leaves: list[Weights], episode: Episode, row: Row) -> list[Weights]:
    """The weights after a step, differentiable to those before it; only those that can be."""
    loop = loop_over(
        objective.backbone, leaves, episode.support_x, episode.support_y, objective.lr, objective.loss,
        create_graph=True,
    )  # fmt: skip
    loop.step(row)
    return [
        {name: after[name] for name, value in own.items() if value.requires_grad}
        for own, after in zip(leaves, loop.weights, strict=True)
    ]


def _leaves(objective: Objective, weights: list[Weights]) -> list[Weights]:
    return [
        {name: value.clone().requires_grad_(name in layer.trainable) for name, value in own.items()}
        for layer, own in zip(objective.backbone.layers, weights, strict=True)
    ]


def _gradients(values: list[Tensor], leaves: list[Weights], given: list[Tensor] | None = None) -> list[Weights]:
    """Of `values`, each weighted by `given`, to the leaves that take gradients: zeros where they do not depend."""
    wanted = [{name: value for name, value in own.items() if value.requires_grad} for own in leaves]
    flat = _flat(wanted)
    found = iter(torch.autograd.grad(values, flat, given, allow_unused=True, materialize_grads=True))
    return [{name: next(found) for name in own} for own in wanted]


def _flat(weights: list[Weights]) -> list[Tensor]:
    return [value for own in weights for value in own.values()]
