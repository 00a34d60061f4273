"""Many episodes at once in one batch of weights (vmap): for a GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation.gradients import Loss
from lambda_core.adaptation.inner_loop import InnerLoop
from lambda_core.backbones import Backbone, Layer
from lambda_core.kernels import Weights
from lambda_core.patterns import LambdaPattern


def adapt_many(
    model: nn.Sequential | Backbone,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    loss: Loss = F.cross_entropy,
) -> list[Weights]:
    """Adapt to E support sets at once, each with weights of its own; equal to `adapt` one by one, to float error.

    support_x: (E, N·K, …) float; support_y: (E, N·K) integers, or targets of `loss` → a dictionary a layer of weights
    (E, …). Raises what `adapt` raises.
    """
    plain = Backbone.matching(model, pattern)
    with torch.inference_mode(False):
        _try_out(plain, support_x[0])
        start = [{name: _repeated(value, len(support_x)) for name, value in own.items()}
                 for own in plain.detached_weights()]  # fmt: skip
        loop = InnerLoop(_batched(plain), start, support_x, support_y, lr, partial(_sum_of_losses, loss))
        for row in pattern.rows_for(steps):
            loop.step(row)
    return loop.weights


@dataclass(frozen=True)
class BatchedLayer(Layer):
    """A layer whose weights and input have a leading dimension, one entry an episode."""

    passes = None

    def forward(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        """(E, N·K, …) → (E, N·K, …), each entry under its own weights."""
        return _mapped(lambda own, one: self.call(own, one, leading))(weights, x)


@dataclass(frozen=True)
class BatchedBackbone(Backbone):
    """A backbone of batched layers."""

    def prepare_input(self, x: Tensor) -> Tensor:
        """What comes before the first layer, mapped over the episodes."""
        return _mapped(super().prepare_input)(x) if self.stem else x


def _batched(plain: Backbone) -> Backbone:
    layers = tuple(
        BatchedLayer(each.name, each.module, each.trailing, each.trainable, each.places) for each in plain.layers
    )
    for batched, each in zip(layers, plain.layers, strict=True):
        batched.__dict__["call"] = each.call  # which is tried out already
    batch = BatchedBackbone(plain.model, plain.stem, layers, plain.modules, plain.seen)
    batch.__dict__["_stem_call"] = plain._stem_call
    return batch


def _try_out(plain: Backbone, x: Tensor) -> None:
    """Each layer is called once as it is: what vmap calls it with cannot be looked at."""
    with torch.no_grad():
        x = plain.prepare_input(x)
        for layer, own in zip(plain.layers, plain.detached_weights(), strict=True):
            x = layer.call(own, x)


def _mapped(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return torch.vmap(call)


def _repeated(value: Tensor, count: int) -> Tensor:
    return value.expand(count, *value.shape)


def _sum_of_losses(loss: Loss, outputs: Tensor, labels: Tensor) -> Tensor:
    """Summed over the episodes, so that each one's gradient is that of its own loss."""
    total: Tensor = sum((loss(output, own) for output, own in zip(outputs, labels, strict=True)), outputs.new_zeros(()))
    return total
