"""The inner loop: the plain definition's result (`reference.py`) at the least work.

A step

1. takes gradients only for what Λ[s] updates, so backward stops at the lowest of it;
2. restarts forward at the lowest layer that changed since the last forward (or the lowest it updates, if lower):
   activations below depend on the support batch and on unchanged weights only (`support_activations.py`);
3. runs no convolution at all, forward or backward, once only the head changes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional as F

from lambda_core.adaptation.gradients import (
    Gradients,
    Loss,
    SupportLoss,
    gradients_by_autograd,
    gradients_written_out,
)
from lambda_core.adaptation.support_activations import SupportActivations
from lambda_core.backbones import Backbone
from lambda_core.kernels import LayerPasses, Weights
from lambda_core.patterns import Row, is_head_alone, lowest_updated

StepSize = float | tuple[float, ...]  # one for all layers, or one a layer


class InnerLoop:
    """One episode's adaptation, step by step.

    weights: a dictionary a layer, replaced and never written in place, so that earlier states and forks stay valid.
    support_x: (N·K, …) float; support_y: (N·K,) integers, or targets of `loss`. lr: inner step size, one for all layers
    or one a layer. create_graph: keep the steps differentiable with respect to the weights that the loop starts from.
    """

    def __init__(
        self,
        backbone: Backbone,
        weights: list[Weights],
        support_x: Tensor,
        support_y: Tensor,
        lr: StepSize,
        loss: Loss = F.cross_entropy,
        *,
        create_graph: bool = False,
    ) -> None:
        self.backbone, self.weights, self.lr = backbone, list(weights), lr
        self.create_graph = create_graph
        self.loss = SupportLoss(loss, support_y)
        autocast = torch.is_autocast_enabled(support_x.device.type)
        self._by_values_alone = not (create_graph or autocast)
        self._may_write_out = self._by_values_alone and not support_x.is_cuda
        with torch.enable_grad() if create_graph else torch.no_grad():
            self.activations = SupportActivations(backbone, support_x)
        # Where no layer goes through autograd, its bookkeeping can be left out too (a tenth of the time).
        self._bare = bool(self._passes_from(0))

    def fork(self) -> InnerLoop:
        """A loop that goes on from here on its own and shares what is computed so far."""
        other = copy.copy(self)
        other.weights, other.activations = list(self.weights), self.activations.fork()
        return other

    def run(self, rows: Sequence[Row]) -> Tensor:
        """One step for each of `rows`; returns the support losses before them, (steps,): nothing is read back, which
        would make a GPU wait.

        Steps of a linear head alone, one after the other, are run together: their features stay the same.
        """
        losses: list[Tensor] = []
        for row, same in groupby(rows):
            count = len(list(same))
            together = self._head_steps(row, count)
            if together is None:
                together = torch.stack([self.step(row) for _ in range(count)]).flatten()
            losses.append(together)
        return torch.cat(losses) if losses else self.loss.labels.new_zeros(0, dtype=torch.float32)

    def step(self, row: Row) -> Tensor:
        """Update the layers of `row`; returns the support loss before it (0-dimensional, detached; NaN if none is)."""
        value, gradients = self.gradients(row)
        self.update(gradients)
        return value

    def gradients(self, row: Row) -> tuple[Tensor, Gradients]:
        """The support loss (detached) and its gradients for what `row` updates; nothing is changed."""
        chosen, lowest = self.backbone.changed_by(row), lowest_updated(row)
        if lowest is None:
            return torch.full((), math.nan, device=self.loss.labels.device), {}
        x = self.input_of(lowest)
        passes = self._passes_from(lowest)
        if passes:
            with self._without_gradients():
                return gradients_written_out(self.weights, self.activations, self.loss, chosen, passes)
        return gradients_by_autograd(self.backbone, self.weights, x, self.loss, chosen, create_graph=self.create_graph)

    def update(self, gradients: Gradients) -> None:
        """One SGD step for the layers given; forgets the activations that depend on them."""
        for step_size, layers in self._by_step_size(gradients):
            places = [(layer, name) for layer in layers for name in gradients[layer]]
            if not places:
                continue
            with torch.set_grad_enabled(self.create_graph):
                old = [self.weights[layer][name] for layer, name in places]
                new = torch._foreach_add(old, [gradients[layer][name] for layer, name in places], alpha=-step_size)
            for layer in layers:
                self.weights[layer] = dict(self.weights[layer])
            for (layer, name), value in zip(places, new, strict=True):
                self.weights[layer][name] = value
        if gradients:
            self.activations.forget_above(min(gradients))

    def input_of(self, layer: int) -> Tensor:
        """The support activations that enter `layer`."""
        with torch.enable_grad() if self.create_graph else self._without_gradients():
            return self.activations.input_of(layer, self.weights)

    def _by_step_size(self, gradients: Gradients) -> list[tuple[float, list[int]]]:
        if not isinstance(self.lr, tuple):
            return [(self.lr, list(gradients))]
        return [(self.lr[layer], [layer]) for layer in gradients]

    def _head_steps(self, row: Row, count: int) -> Tensor | None:
        """`count` steps of the last layer alone, if that is a linear map under cross-entropy; else None."""
        last, cross_entropy = len(self.weights) - 1, self.loss.cross_entropy
        passes = self.backbone.layers[last].passes if self._by_values_alone else None
        names = passes.linear if passes else None
        if not is_head_alone(row) or cross_entropy is None or passes is None or names is None:
            return None
        x, own = self.input_of(last), self.weights[last]
        if x.dim() != 2 or not passes.takes(x) or set(own) != self.backbone.layers[last].trainable:
            return None
        step_size = self.lr[last] if isinstance(self.lr, tuple) else self.lr
        with self._without_gradients():
            weight, bias, losses = cross_entropy.gradient_descent(own[names[0]], own.get(names[1]), x, step_size, count)
        self.weights[last] = {names[0]: weight} if bias is None else {names[0]: weight, names[1]: bias}
        return losses

    def _passes_from(self, lowest: int) -> list[LayerPasses]:
        """The passes of the layers from `lowest` up; none where a graph is asked for or a layer has none."""
        if not self._may_write_out:
            return []
        inputs = self.activations.inputs
        found: list[LayerPasses] = []
        for layer in self.backbone.layers[lowest:]:
            if layer.passes is None or not layer.passes.takes(inputs[min(lowest, len(inputs) - 1)]):
                return []
            found.append(layer.passes)
        return found

    def _without_gradients(self) -> AbstractContextManager[None]:
        return torch.inference_mode() if self._bare else torch.no_grad()
