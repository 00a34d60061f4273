"""The definition, as plainly as it can be written: what everything clever in this room is held against.

At every inner step s, the gradient of the support loss for all parameters, multiplied by Λ[s], and an SGD step
(MAML: Finn et al. 2017, arXiv 1703.03400, eq. 1; Λ: Khabarlak 2022, arXiv 2206.05930). Where Λ[s] says scale and shift
alone, the other parameters of that layer are multiplied by zero. Nothing is skipped or reused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from lambda_core.backbones import scales_and_shifts
from lambda_core.patterns import LambdaPattern, Update


def adapt_by_definition(
    model: nn.Module,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float | Sequence[float],
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    *,
    create_graph: bool = False,
    layers: Sequence[str] = (),
) -> dict[str, Tensor]:
    """The adapted parameters by name; `model` is called whole, with other weights, and keeps its own.

    support_x: (N·K, …) float; support_y: (N·K,) int64, or targets of `loss`; lr: inner step size, one for all columns
    or one a column. create_graph: keep the steps differentiable. layers: the names that the pattern's columns stand
    for; by default the children that own parameters. Parameters with requires_grad=False stay as they are; one that
    the loss does not depend on has the gradient zero.
    """
    weights: dict[str, Tensor] = dict(model.named_parameters())
    trainable = [name for name, value in weights.items() if value.requires_grad]
    columns = tuple(layers) or tuple(dict.fromkeys(name.split(".")[0] for name in weights))
    column_of = {name: next(i for i, c in enumerate(columns) if f"{name}.".startswith(f"{c}.")) for name in weights}
    sizes = lr if isinstance(lr, Sequence) else [lr] * len(columns)
    scales = {
        f"{column}.{name}"
        for place, column in enumerate(columns)
        if any(row[place] == Update.SCALES for row in pattern.rows)
        for name in scales_and_shifts(model.get_submodule(column))
    }
    for row in pattern.rows_for(steps):
        # a copy: some models write into what they are given
        value = loss(functional_call(model, weights, (support_x.clone(),)), support_y)
        gradients = torch.autograd.grad(
            value,
            [weights[name] for name in trainable],
            create_graph=create_graph,
            allow_unused=True,
            materialize_grads=True,
        )
        for name, gradient in zip(trainable, gradients, strict=True):
            update = row[column_of[name]]
            factor = float(update == Update.ALL or (update == Update.SCALES and name in scales))
            weights[name] = weights[name] - sizes[column_of[name]] * factor * gradient
    return weights
