"""The meta-gradient: of the mean query loss over a batch of tasks, to the initial weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, distributed, nn

from lambda_core.episodes import Bank, Episode
from lambda_core.patterns import Row
from lambda_core.training.distributed import process
from lambda_core.training.objective import Objective


def add_meta_gradient(
    objective: Objective, model: nn.Module, bank: Bank, tasks: range, rows: Sequence[Row], *, order: str, device: str
) -> tuple[float, float]:
    """Add the gradient of the mean loss over the episodes `tasks` of `bank` to the model's parameters' .grad.

    order: second (through the inner loop) or first (taken at its end). Under torchrun each process takes its share of
    the tasks, and all end with the same sum. Returns the mean query loss and accuracy.
    """
    rank, world = process()
    totals = torch.zeros(2, device=device)
    add = _add_second_order if order == "second" else _add_first_order
    for task in tasks[rank::world]:
        totals += add(objective, bank[task].to(device), rows, len(tasks)) / len(tasks)
    if world > 1:
        for tensor in [totals, *(p.grad for p in model.parameters() if p.grad is not None)]:
            distributed.all_reduce(tensor)
    return float(totals[0]), float(totals[1])


def _add_second_order(objective: Objective, episode: Episode, rows: Sequence[Row], tasks: int) -> Tensor:
    loss, accuracy = objective.loss_after_adaptation(objective.backbone.weights(), episode, rows)
    torch.autograd.backward(loss / tasks)
    return torch.stack([loss.detach(), accuracy])


def _add_first_order(objective: Objective, episode: Episode, rows: Sequence[Row], tasks: int) -> Tensor:
    """The gradient at the adapted weights, taken as if it were that of the initial ones (Finn et al. 2017, 5.2)."""
    weights = objective.backbone.weights()
    adapted = objective.adapted(weights, episode, rows)
    leaves = [
        {name: value.clone().requires_grad_(weights[layer][name].requires_grad) for name, value in own.items()}
        for layer, own in enumerate(adapted)
    ]
    loss, accuracy = objective.score(leaves, episode)
    torch.autograd.backward(loss / tasks)
    for own, leaf in zip(weights, leaves, strict=True):
        for name, parameter in own.items():
            if (gradient := leaf[name].grad) is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
    return torch.stack([loss.detach(), accuracy])
