"""Which inner loop an adaptation takes: the compiled one where it applies, else the one for any model."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from lambda_core.adaptation.batched import loop_over
from lambda_core.adaptation.gradients import Loss
from lambda_core.adaptation.inner_loop import InnerLoop, StepSize
from lambda_core.backbones import Backbone
from lambda_core.compiled import CompiledLoop, compiled_loop
from lambda_core.kernels import Weights
from lambda_core.patterns import Row


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
    lowest = min((row.index(True) for row in rows if any(row)), default=len(weights) - 1)
    compiled = compiled_loop(backbone, weights, support_x, support_y, lr, loss, lowest)
    return compiled or loop_over(backbone, weights, support_x, support_y, lr, loss)
