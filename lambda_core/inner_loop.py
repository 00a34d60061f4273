"""The inner loop: the plain definition's result at the least work.

Plain: at every step s, the gradient of the support loss for all layers, multiplied by Λ[s], and an SGD step
(MAML, Finn et al. 2017, eq. 1; Λ: Khabarlak 2022). Here a step

1. takes gradients only for the layers that Λ[s] updates, so backward stops at the lowest of them;
2. restarts forward at the lowest layer that changed since the last forward (or the lowest it updates, if lower):
   with batch statistics, activations below depend on the support batch and on unchanged weights only;
3. runs no convolution at all, forward or backward, once only the head changes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.model import Backbone, Weights
from lambda_core.pattern import LambdaPattern, Row

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Adapted:
    """The result of an adaptation: the weights of every layer, and the support loss before each step."""

    origin: nn.Sequential
    backbone: Backbone
    weights: list[Weights]
    losses: list[float] = field(default_factory=list)

    @cached_property
    def model(self) -> nn.Sequential:
        """A copy of the backbone with the adapted weights."""
        model = copy.deepcopy(self.origin)
        for name, own in zip(self.backbone.names, self.weights, strict=True):
            model.get_submodule(name).load_state_dict(own, strict=False)
        return model


def adapt(
    model: nn.Sequential,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    loss: Loss = F.cross_entropy,
) -> Adapted:
    """Adapt a copy of `model`'s weights to a support set; the model stays as it was.

    support_x: (N·K, …) float; support_y: (N·K,) int64 labels, or targets of `loss`; lr: inner step size.
    Raises PatternError where the pattern's columns are not the model's layers.
    """
    *_, adapted = adaptation_steps(model, support_x, support_y, pattern, steps, lr, loss)
    return adapted


def adaptation_steps(
    model: nn.Sequential,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float,
    loss: Loss = F.cross_entropy,
) -> Iterator[Adapted]:
    """The state after 0, 1, … `steps` inner steps; what is yielded stays as it is when the next step runs."""
    backbone = Backbone.matching(model, pattern)
    start = [{name: value.detach() for name, value in own.items()} for own in backbone.weights()]
    loop = InnerLoop(backbone, start, support_x, support_y, lr, loss)
    losses: list[Tensor] = []
    yield Adapted(model, backbone, start)
    for row in pattern.rows_for(steps):
        value = loop.step(row)
        losses.append(value)
        yield Adapted(model, backbone, list(loop.weights), [float(each) for each in losses])


class InnerLoop:
    """One episode's adaptation, step by step.

    `weights` (a dictionary a layer) is replaced and never written in place, so earlier states and forks stay valid.
    With `create_graph` the steps stay differentiable with respect to the weights that the loop started from.
    """

    def __init__(
        self,
        backbone: Backbone,
        weights: list[Weights],
        support_x: Tensor,
        support_y: Tensor,
        lr: float,
        loss: Loss = F.cross_entropy,
        *,
        create_graph: bool = False,
    ) -> None:
        self.backbone, self.weights, self.lr, self.loss = backbone, list(weights), lr, loss
        self.support_y, self.create_graph = support_y, create_graph
        # inputs[i] is the input of layer i under the present weights, for as many layers as are still valid
        self.inputs = [backbone.enter(support_x)]

    def fork(self) -> InnerLoop:
        """A loop that goes on from here on its own and shares what is computed so far."""
        other = copy.copy(self)
        other.weights, other.inputs = list(self.weights), list(self.inputs)
        return other

    def step(self, row: Row) -> Tensor:
        """Update the layers of `row`; returns the support loss before it (0-dimensional, detached; NaN if none is)."""
        value, gradients = self.gradients(row)
        self.update(gradients)
        return value

    def gradients(self, row: Row) -> tuple[Tensor, dict[int, Weights]]:
        """The support loss (detached) and its gradients for the layers of `row`, by layer; nothing is changed."""
        chosen = [layer for layer, updated in enumerate(row) if updated]
        if not chosen:
            return torch.full((), math.nan), {}
        x = self.input_of(chosen[0])
        if self._has_closed_form(chosen):
            value, own = _linear_softmax_gradients(self.weights[-1], x, self.support_y)
            return value, {chosen[0]: own}
        leaves = self._leaves(chosen)
        with torch.enable_grad():
            for layer in range(chosen[0], len(row)):
                x = self.backbone.layers[layer].forward(leaves.get(layer, self.weights[layer]), x)
            value = self.loss(x, self.support_y)
            flat = [leaf for own in leaves.values() for leaf in own.values()]
            found = iter(torch.autograd.grad(value, flat, create_graph=self.create_graph))
        return value.detach(), {layer: {name: next(found) for name in own} for layer, own in leaves.items()}

    def update(self, gradients: dict[int, Weights]) -> None:
        """One SGD step for the layers given; forgets the activations that depend on them."""
        with torch.set_grad_enabled(self.create_graph):
            for layer, own in gradients.items():
                old = self.weights[layer]
                changed = {name: torch.sub(old[name], gradient, alpha=self.lr) for name, gradient in own.items()}
                self.weights[layer] = old | changed
        if gradients:
            del self.inputs[min(gradients) + 1 :]

    def input_of(self, layer: int) -> Tensor:
        """The support activations that enter `layer`, computed from the highest ones that are still valid."""
        with torch.set_grad_enabled(self.create_graph):
            while len(self.inputs) <= layer:
                below = len(self.inputs) - 1
                self.inputs.append(self.backbone.layers[below].forward(self.weights[below], self.inputs[below]))
        return self.inputs[layer]

    def _leaves(self, chosen: list[int]) -> dict[int, Weights]:
        # With a graph, an alias: a weight that earlier steps left alone has also shaped what they changed, and the
        # partial derivative asked for here must not follow that way.
        def leaf(value: Tensor) -> Tensor:
            return value.view_as(value) if self.create_graph else value.detach().requires_grad_()

        return {layer: {name: leaf(value) for name, value in self.weights[layer].items()} for layer in chosen}

    def _has_closed_form(self, chosen: list[int]) -> bool:
        head = self.backbone.layers[-1]
        return (
            not self.create_graph
            and self.loss is F.cross_entropy
            and chosen == [len(self.weights) - 1]
            and type(head.module) is nn.Linear
            and not head.tail
        )


def _linear_softmax_gradients(head: Weights, x: Tensor, labels: Tensor) -> tuple[Tensor, Weights]:
    """Mean cross-entropy of softmax(x Wᵀ + b) and its gradient (softmax − one-hot)ᵀ x / N, without autograd."""
    logits = F.linear(x, head["weight"], head.get("bias"))
    log_p = F.log_softmax(logits, dim=1)
    value = F.nll_loss(log_p, labels)
    slope = log_p.exp_()
    slope[torch.arange(len(labels), device=labels.device), labels] -= 1
    slope /= len(labels)
    return value, {"weight": slope.T @ x} | ({"bias": slope.sum(0)} if "bias" in head else {})
