"""Which inner loop an adaptation takes: the compiled one where it applies, else the one for any model, on a GPU as a
captured graph."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from lambda_core.adaptation.batched import loop_over
from lambda_core.adaptation.gradients import Loss
from lambda_core.adaptation.graphs import can_be_captured, captured
from lambda_core.adaptation.inner_loop import InnerLoop, StepSize
from lambda_core.backbones import Backbone
from lambda_core.compiled import CompiledLoop, compiled_loop
from lambda_core.kernels import Weights
from lambda_core.patterns import Row, lowest_ever


def loop_for(
    backbone: Backbone,
    weights: list[Weights],
    support_x: Tensor,
    support_y: Tensor,
    lr: StepSize,
    rows: Sequence[Row],
    loss: Loss = F.cross_entropy,
) -> InnerLoop | CompiledLoop:
    """A loop to take the steps of `rows` and no others; nothing of it can be differentiated.

    Other arguments: those of `InnerLoop`.
    """
    lowest = lowest_ever(rows, default=len(weights) - 1)
    compiled = compiled_loop(backbone, weights, support_x, support_y, lr, loss, lowest)
    return compiled or loop_over(backbone, weights, support_x, support_y, lr, loss)


def all_steps(
    backbone: Backbone,
    weights: list[Weights],
    support_x: Tensor,
    support_y: Tensor,
    lr: StepSize,
    rows: Sequence[Row],
    loss: Loss = F.cross_entropy,
) -> tuple[list[Weights], Tensor]:
    """The weights after a step for each of `rows`, and the support losses before them, (steps,).

    Arguments: those of `loop_for`.
    """
    if not can_be_captured(backbone, support_x, loss):
        loop = loop_for(backbone, weights, support_x, support_y, lr, rows, loss)
        losses = loop.run(rows)
        return loop.weights, losses
    changed = [layer for layer in range(len(weights)) if any(row[layer] for row in rows)]

    def work(x: Tensor, y: Tensor) -> tuple[list[Weights], Tensor]:
        loop = loop_over(backbone, weights, x, y, lr, loss)
        losses = loop.run(rows)
        return [loop.weights[layer] for layer in changed], losses

    found, losses = captured(backbone, weights, ("steps", tuple(rows), lr, loss), work, support_x, support_y)
    adapted = dict(zip(changed, found, strict=True))
    return [adapted.get(layer, own) for layer, own in enumerate(weights)], losses
