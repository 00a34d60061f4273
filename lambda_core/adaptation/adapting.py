"""`adapt`: a model, a support set and a pattern in, adapted weights out; the model stays as it was."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation.choosing import all_steps, loop_for
from lambda_core.adaptation.gradients import Loss
from lambda_core.adaptation.inner_loop import InnerLoop, StepSize
from lambda_core.backbones import Backbone
from lambda_core.errors import ModelError
from lambda_core.kernels import Weights
from lambda_core.patterns import LambdaPattern


@dataclass(frozen=True)
class Adapted:
    """The result of an adaptation: the weights of every layer, and the support loss before each step.

    weights: a dictionary a layer, by the parameters' names; step_losses: (steps,), where the weights lie.
    """

    backbone: Backbone
    weights: list[Weights]
    step_losses: Tensor

    @cached_property
    def losses(self) -> list[float]:
        """The support loss before each step, NaN before one that updates nothing; a GPU is waited for here only."""
        found: list[float] = self.step_losses.tolist()
        return found

    @cached_property
    def model(self) -> nn.Sequential:
        """A copy of the backbone with the adapted weights: an ordinary module, to save, export or train on."""
        with torch.inference_mode(False), torch.no_grad():
            model = copy.deepcopy(self.backbone.model)
            for layer, own in zip(self.backbone.names, self.weights, strict=True):
                parameters = dict(model.get_submodule(layer).named_parameters())
                for name, value in own.items():
                    parameters[name].copy_(value)
        return model

    def __call__(self, x: Tensor) -> Tensor:
        """The output for x under the adapted weights: differentiable through the adaptation if that kept its graph."""
        return self.backbone.forward(self.weights, self.backbone.prepare_input(x))


def adapt(
    model: nn.Sequential | Backbone,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float | Sequence[float],
    loss: Loss = F.cross_entropy,
    *,
    create_graph: bool = False,
) -> Adapted:
    """Adapt a copy of `model`'s weights to a support set; the model stays as it was.

    The result is that of `reference.adapt_by_definition` on the whole model, to float error, or an error that says why
    it cannot be. Several threads may adapt one model at once.

    model: `Backbone.of(model)` instead saves looking at its modules again, where the same one is adapted many times.
    support_x: (N·K, …) float; support_y: (N·K,) integer labels, or targets of `loss`. steps: inner steps; lr: inner
    step size, one for all layers or one a layer. create_graph: keep the steps differentiable with respect to the
    model's own parameters, for a meta-learning loop of one's own: `adapted(query_x)` then carries the graph.
    Raises PatternError where the pattern's columns are not the model's layers, ModelError for a model that cannot be
    adapted exactly.
    """
    backbone = Backbone.matching(model, pattern)
    with torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext():
        x, y, rows, step_size = (
            _ordinary(support_x),
            _ordinary(support_y),
            pattern.rows_for(steps),
            _step_size(lr, backbone),
        )
        if create_graph:
            loop = InnerLoop(backbone, backbone.weights(), x, y, step_size, loss, create_graph=True)
            losses = loop.run(rows)
            return Adapted(backbone, loop.weights, losses)
        weights, losses = all_steps(backbone, backbone.detached_weights(), x, y, step_size, rows, loss)
        return Adapted(backbone, _ordinary_weights(weights), losses)


def adaptation_steps(
    model: nn.Sequential | Backbone,
    support_x: Tensor,
    support_y: Tensor,
    pattern: LambdaPattern,
    steps: int,
    lr: float | Sequence[float],
    loss: Loss = F.cross_entropy,
) -> Iterator[Adapted]:
    """The state after 0, 1, … `steps` inner steps; what is yielded stays as it is when the next step runs.

    Arguments and errors: those of `adapt`.
    """
    backbone = Backbone.matching(model, pattern)
    with torch.inference_mode(False):
        x, y, rows = _ordinary(support_x), _ordinary(support_y), pattern.rows_for(steps)
        loop = loop_for(backbone, backbone.detached_weights(), x, y, _step_size(lr, backbone), rows, loss)
    losses = torch.zeros(0, device=support_x.device)
    yield Adapted(backbone, _ordinary_weights(loop.weights), losses)
    for row in rows:
        with torch.inference_mode(False):
            losses = torch.cat([losses, loop.run([row])])
            state = _ordinary_weights(loop.weights)
        yield Adapted(backbone, state, losses)


def _step_size(lr: float | Sequence[float], backbone: Backbone) -> StepSize:
    if not isinstance(lr, Sequence):
        return lr
    if len(lr) != len(backbone.layers):
        raise ModelError(f"{len(lr)} step sizes for the {len(backbone.layers)} layers {', '.join(backbone.names)}")
    return tuple(map(float, lr))


def _ordinary(value: Tensor) -> Tensor:
    """An inference tensor, which autograd refuses later, as an ordinary one."""
    return value.clone() if value.is_inference() else value


def _ordinary_weights(weights: list[Weights]) -> list[Weights]:
    if not any(value.is_inference() for own in weights for value in own.values()):
        return list(weights)
    return [{name: _ordinary(value) for name, value in own.items()} for own in weights]
