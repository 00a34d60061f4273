"""How a meta-gradient is taken within a limit of memory: as it is the fastest, step by step, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from lambda_core.episodes import Episode, stacked
from lambda_core.errors import ConfigError
from lambda_core.formatting import megabytes
from lambda_core.kernels import LiveBytes
from lambda_core.patterns import Row
from lambda_core.training.objective import Objective
from lambda_core.training.stepwise import stepwise_gradient


@dataclass(frozen=True)
class Fitted:
    """together: so many episodes at once on a card (None: as many as there are); keeps: what every step makes is kept
    for the way back, else each step is taken again.
    """

    together: int | None = None
    keeps: bool = True


AS_IT_COMES = Fitted()


def fitted(objective: Objective, episode: Episode, rows: Sequence[Row], order: str, device: str, limit: int) -> Fitted:
    """How a meta-gradient holds at most `limit` bytes at once, beside weights and images.

    episode: one of those that are meant; order, device: as of `add_meta_gradient`. Raises ConfigError where not even
    one episode fits, taken step by step.
    """
    for keeps in (True, False):
        needed = needed_bytes(objective, episode, rows, order, device, keeps=keeps)
        if needed <= limit:
            return Fitted(limit // max(1, needed), keeps)
    raise ConfigError(
        f"the meta-gradient of one episode ({len(episode.support_y)} support images, {len(episode.query_y)} queries, "
        f"{len(rows)} steps) needs about {megabytes(needed)} at once even step by step, and the memory limit is "
        f"{megabytes(limit)}: allow more, or fewer queries or filters"
    )


def needed_bytes(
    objective: Objective, episode: Episode, rows: Sequence[Row], order: str, device: str, *, keeps: bool
) -> int:
    """About what the meta-gradient of one episode holds at once: counted where it is compiled; else measured on one
    step, and on two where steps are kept, which are as good as equal.
    """
    compiled = objective.compiled_bytes(episode, rows if order == "second" else rows[:1], keeps=keeps)
    if compiled is not None:
        return compiled
    if torch.device(device).type == "cuda":
        episode = stacked([episode])
        objective = objective.of_many(episode.to(device))
    episode = episode.to(device)
    if order != "second" or not keeps:
        return _most(lambda: stepwise_gradient(objective, episode, rows[:1]))
    one, two = (_most(partial(_through, objective, episode, rows[:count])) for count in (1, 2))
    return one + max(0, len(rows) - 1) * (two - one)


def _through(objective: Objective, episode: Episode, rows: Sequence[Row]) -> object:
    loss, _ = objective.loss_after_adaptation(objective.backbone.weights(), episode, rows)
    return torch.autograd.grad(loss, objective.trainable(), allow_unused=True)


def _most(work: Callable[[], object]) -> int:
    live = LiveBytes()
    with live:
        work()
    return live.most
