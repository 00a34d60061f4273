"""The meta-gradient: of the mean query loss over a batch of tasks, to the initial weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lambda_core.adaptation import can_be_captured, captured, in_chunks
from lambda_core.episodes import Bank, Episode, stacked
from lambda_core.patterns import Row
from lambda_core.training.distributed import process, share_of, sum_over_processes
from lambda_core.training.fitting import AS_IT_COMES, Fitted
from lambda_core.training.objective import Objective
from lambda_core.training.stepwise import stepwise_gradient

Found = tuple[Tensor, dict[int, Tensor]]  # (2,) loss and accuracy; gradients by the parameter's place, where it has one


def add_meta_gradient(
    objective: Objective,
    model: nn.Module,
    bank: Bank,
    tasks: range,
    rows: Sequence[Row],
    *,
    order: str,
    device: str,
    fitted: Fitted = AS_IT_COMES,
) -> tuple[float, float]:
    """Add the gradient of the mean loss over the episodes `tasks` of `bank` to the model's parameters' .grad.

    order: second (through the inner loop) or first (taken at its end). Under torchrun each process takes its share of
    the tasks, none where there are more processes, and all end with the same sum. On a GPU the tasks are run at once,
    in chunks that fit; on a CPU one by one, compiled where that applies. fitted: to a limit of memory. Returns the mean
    query loss and accuracy.
    """
    totals = torch.zeros(2, device=device)
    parameters = objective.trainable()
    mine = share_of(tasks)
    on_card = torch.device(device).type == "cuda"
    route = "second, step by step" if order == "second" and not fitted.keeps else order

    def add(part: range) -> None:
        """Gradients are found first and added then: where memory ends on the way, nothing is added."""
        if on_card:
            episodes = stacked([bank[mine[place]] for place in part]).to(device)
            found = _of_many(objective, episodes, rows, route, len(tasks))
        else:
            found = _of_one(objective, bank[mine[part[0]]].to(device), rows, route, len(tasks))
        totals.add_(found[0] / len(tasks))
        for place, gradient in found[1].items():
            before = parameters[place].grad
            parameters[place].grad = gradient if before is None else before + gradient

    for _ in in_chunks(add, range(len(mine)), fitted.together or len(mine) if on_card else 1):
        pass
    if process()[1] > 1:
        sum_over_processes(totals, [p for p in model.parameters() if p.requires_grad])
    loss, accuracy = totals.tolist()
    return loss, accuracy


def _of_one(objective: Objective, episode: Episode, rows: Sequence[Row], route: str, tasks: int) -> Found:
    """Of one episode, compiled where that applies."""
    found = objective.compiled(episode, rows, second_order=route != "first", keeps=route == "second")
    if found is None:
        return GRADIENTS[route](objective, episode, rows, tasks)
    each = zip(objective.backbone.parameters(), found.gradient, strict=True)
    flat = [gradient[name] / tasks for own, gradient in each for name, value in own.items() if value.requires_grad]
    return torch.tensor([found.loss, found.accuracy]), dict(enumerate(flat))


def _of_many(objective: Objective, episodes: Episode, rows: Sequence[Row], route: str, tasks: int) -> Found:
    """Sums over stacked episodes; on a GPU they are a captured graph."""

    def work(support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor) -> Found:
        stack = Episode(support_x, support_y, query_x, query_y)
        return GRADIENTS[route](objective.of_many(stack), stack, rows, tasks)

    backbone = objective.backbone
    tensors = (episodes.support_x, episodes.support_y, episodes.query_x, episodes.query_y)
    if not can_be_captured(backbone, episodes.support_x, objective.loss):
        return work(*tensors)
    key = (objective.lr, objective.loss, objective.query_statistics, tuple(rows), route, tasks)
    found: Found = captured(backbone, backbone.weights(), key, work, *tensors)
    return found


def _second_order(objective: Objective, episode: Episode, rows: Sequence[Row], tasks: int) -> Found:
    loss, accuracy = objective.loss_after_adaptation(objective.backbone.weights(), episode, rows)
    gradients = torch.autograd.grad(loss / tasks, objective.trainable(), allow_unused=True)
    found = {place: gradient for place, gradient in enumerate(gradients) if gradient is not None}
    return torch.stack([loss.detach(), accuracy]), found


def _first_order(objective: Objective, episode: Episode, rows: Sequence[Row], tasks: int) -> Found:
    """The gradient at the adapted weights, taken as if it were that of the initial ones (Finn et al. 2017, 5.2)."""
    weights = objective.backbone.weights()
    leaves = [
        {name: value.clone().requires_grad_(weights[layer][name].requires_grad) for name, value in own.items()}
        for layer, own in enumerate(objective.adapted(weights, episode, rows))
    ]
    loss, accuracy = objective.score(leaves, episode)
    flat = [value for own in leaves for value in own.values() if value.requires_grad]
    gradients = torch.autograd.grad(loss / tasks, flat, allow_unused=True)
    return torch.stack([loss.detach(), accuracy]), _summed(objective, gradients)


def _step_by_step(objective: Objective, episode: Episode, rows: Sequence[Row], tasks: int) -> Found:
    loss, accuracy, gradient = stepwise_gradient(objective, episode, rows)
    flat = [value / tasks for own in gradient for value in own.values()]
    return torch.stack([loss, accuracy]), _summed(objective, flat)


def _summed(objective: Objective, gradients: Sequence[Tensor | None]) -> dict[int, Tensor]:
    """By the parameter's place; those of many episodes have a leading dimension, one entry each, to be summed."""
    return {
        place: gradient if gradient.shape == parameter.shape else gradient.sum(0)
        for place, (parameter, gradient) in enumerate(zip(objective.trainable(), gradients, strict=True))
        if gradient is not None
    }


GRADIENTS = {"second": _second_order, "first": _first_order, "second, step by step": _step_by_step}
