"""The meta-gradient: of the mean query loss over a batch of tasks, to the initial weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lambda_core.adaptation import in_chunks
from lambda_core.compiled import compiled_meta_gradient
from lambda_core.episodes import Bank, Episode, stacked
from lambda_core.patterns import Row
from lambda_core.training.distributed import process, share_of, sum_over_processes
from lambda_core.training.objective import Objective


def add_meta_gradient(
    objective: Objective, model: nn.Module, bank: Bank, tasks: range, rows: Sequence[Row], *, order: str, device: str
) -> tuple[float, float]:
    """Add the gradient of the mean loss over the episodes `tasks` of `bank` to the model's parameters' .grad.

    order: second (through the inner loop) or first (taken at its end). Under torchrun each process takes its share of
    the tasks, none where there are more processes, and all end with the same sum. On a GPU the tasks are run at once,
    in chunks that fit; on a CPU one by one, compiled where that applies. Returns the mean query loss and accuracy.
    """
    totals = torch.zeros(2, device=device)
    add = _add_second_order if order == "second" else _add_first_order
    mine = share_of(tasks)

    def together(part: range) -> Tensor:
        episodes = stacked([bank[mine[place]] for place in part]).to(device)
        return add(objective.of_many(episodes), episodes, rows, len(tasks))

    if torch.device(device).type == "cuda":
        for _, found in in_chunks(together, range(len(mine)), len(mine)) if mine else ():
            totals += found / len(tasks)
    else:
        for task in mine:
            episode = bank[task].to(device)
            compiled = _add_compiled(objective, episode, rows, len(tasks), second_order=order == "second")
            totals += (add(objective, episode, rows, len(tasks)) if compiled is None else compiled) / len(tasks)
    if process()[1] > 1:
        sum_over_processes(totals, [p for p in model.parameters() if p.requires_grad])
    loss, accuracy = totals.tolist()
    return loss, accuracy


def _add_compiled(
    objective: Objective, episode: Episode, rows: Sequence[Row], tasks: int, *, second_order: bool
) -> Tensor | None:
    if objective.query_statistics != "transductive":
        return None
    weights, support = objective.backbone.weights(), (episode.support_x, episode.support_y)
    query = (episode.query_x, episode.query_y)
    found = compiled_meta_gradient(
        objective.backbone, weights, support, query, objective.lr, rows, objective.loss, second_order=second_order
    )
    if found is None:
        return None
    for own, gradient in zip(objective.backbone.parameters(), found.gradient, strict=True):
        _add(list(own.values()), [gradient[name] / tasks for name in own])
    return torch.tensor([found.loss, found.accuracy])


def _add_second_order(objective: Objective, episode: Episode, rows: Sequence[Row], tasks: int) -> Tensor:
    parameters = [value for own in objective.backbone.parameters() for value in own.values() if value.requires_grad]
    loss, accuracy = objective.loss_after_adaptation(objective.backbone.weights(), episode, rows)
    # found first and added then: where memory ends on the way, nothing is added
    _add(parameters, torch.autograd.grad(loss / tasks, parameters, allow_unused=True))
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
    for own, leaf in zip(objective.backbone.parameters(), leaves, strict=True):
        _add(list(own.values()), [leaf[name].grad for name in own])
    return torch.stack([loss.detach(), accuracy])


def _add(parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor | None]) -> None:
    """Gradients of the parameters' shapes, or with a leading dimension, one entry an episode, to be summed."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is not None:
            own = gradient if gradient.shape == parameter.shape else gradient.sum(0)
            parameter.grad = own if parameter.grad is None else parameter.grad + own
