"""How much memory an adaptation needs: counted before it runs."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from lambda_core.backbones import Backbone, layer_memory
from lambda_core.compiled import compiled_peak
from lambda_core.patterns import LambdaPattern, LayerMemory, Peak, peak_of_plan


def peak_bytes(model: nn.Sequential | Backbone, support_x: Tensor, pattern: LambdaPattern, steps: int) -> Peak:
    """The most bytes that `adapt` needs at once: weights, what is kept, and workspace.

    support_x: (N·K, …) float, of any content: a support set of the shape, type and device that is meant, not counted
    itself. Counted for the route that `adapt` takes under cross-entropy. Raises PatternError where the pattern's
    columns are not the model's layers, ModelError for a model that cannot be adapted.
    """
    backbone = Backbone.matching(model, pattern)
    rows = [row for row in pattern.rows_for(steps) if any(row)]
    with torch.inference_mode(False):
        compiled = compiled_peak(backbone, support_x, rows) if rows else None
        return compiled or peak_of_plan(pattern, steps, _layers(backbone, support_x))


def _layers(backbone: Backbone, support_x: Tensor) -> list[LayerMemory]:
    """What its layers need: looked at once a shape."""
    key = ("memory", tuple(support_x.shape), support_x.dtype, support_x.device)
    if key not in backbone.remembered:
        backbone.remembered[key] = layer_memory(backbone, support_x)
    return cast("list[LayerMemory]", backbone.remembered[key])
