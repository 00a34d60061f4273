"""Many episodes at once in one batch of weights (vmap): for a GPU, which a single small episode leaves idle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.adaptation.gradients import Loss
from lambda_core.adaptation.graphs import can_be_captured, captured
from lambda_core.adaptation.inner_loop import InnerLoop, StepSize
from lambda_core.backbones import Backbone, Layer
from lambda_core.kernels import BatchNormByParts, CrossEntropy, Weights
from lambda_core.patterns import LambdaPattern, Row, is_head_alone

TOGETHER = 64  # episodes that a GPU runs at once, at most: more were slower a piece (docs/results.md, On a GPU)

T = TypeVar("T")


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

    In chunks of TOGETHER, or of as many as the card's memory has place for. support_x: (E, N·K, …) float; support_y:
    (E, N·K) integers, or targets of `loss` → a dictionary a layer of weights (E, …). Raises what `adapt` raises.
    """
    plain, rows = Backbone.matching(model, pattern), tuple(pattern.rows_for(steps))

    def together(x: Tensor, y: Tensor) -> list[Weights]:
        backbone = BatchedBackbone.of_many(plain, len(x), x[0])
        loop = BatchedLoop(backbone, backbone.detached_weights(), x, y, lr, loss)
        loop.run(rows)
        return loop.weights

    def adapted(part: range) -> list[Weights]:
        x, y = support_x[part.start : part.stop], support_y[part.start : part.stop]
        if not can_be_captured(plain, x, loss):
            return together(x, y)
        found: list[Weights] = captured(plain, plain.detached_weights(), ("many", rows, lr, loss), together, x, y)
        return found

    with torch.inference_mode(False):
        found = [part for _, part in in_chunks(adapted, range(len(support_x)), TOGETHER)]
        if len(found) == 1:
            return found[0]
        return [{name: torch.cat([part[layer][name] for part in found]) for name in own}
                for layer, own in enumerate(found[0])]  # fmt: skip


def in_chunks(work: Callable[[range], T], places: range, size: int) -> Iterator[tuple[range, T]]:
    """work(part) for consecutive parts of `places`, of `size` at most; of half as many where memory did not suffice.

    Raises torch.OutOfMemoryError where not even one fits.
    """
    while places:
        part = places[:size]
        try:
            found = work(part)
        except torch.OutOfMemoryError:
            if len(part) == 1:
                raise
            size = len(part) // 2
            torch.cuda.empty_cache()
            continue
        yield part, found
        places = places[len(part) :]


def loop_over(
    backbone: Backbone, weights: list[Weights], x: Tensor, y: Tensor, lr: StepSize, loss: Loss = F.cross_entropy,
    *, create_graph: bool = False,
) -> InnerLoop:  # fmt: skip
    """The inner loop of one episode, or of as many as the backbone is batched for."""
    kind = BatchedLoop if isinstance(backbone, BatchedBackbone) else InnerLoop
    return kind(backbone, weights, x, y, lr, loss, create_graph=create_graph)


@dataclass(frozen=True)
class BatchedLayer(Layer):
    """A layer whose weights and input have a leading dimension, one entry an episode."""

    passes = None

    def forward(self, weights: Weights, x: Tensor, leading: int | None = None) -> Tensor:
        """(E, N·K, …) → (E, N·K, …), each entry under its own weights."""
        with BatchNormByParts() if x.is_cuda else nullcontext():
            return _mapped(lambda own, one: self.call(own, one, leading))(weights, x)


@dataclass(frozen=True)
class BatchedBackbone(Backbone):
    """A backbone of batched layers, for `count` episodes."""

    count: int
    batch_dim: ClassVar[int] = 1

    @classmethod
    def of_many(cls, plain: Backbone, count: int, x: Tensor) -> BatchedBackbone:
        """x: (N·K, …), one episode's: each layer is called on it once, since what vmap calls it with cannot be seen."""
        _try_out(plain, x)
        layers = tuple(
            BatchedLayer(each.name, each.module, each.trailing, each.trainable, each.places) for each in plain.layers
        )
        for batched, each in zip(layers, plain.layers, strict=True):
            batched.__dict__["call"] = each.call  # which is tried out already
        batch = cls(plain.model, plain.stem, layers, plain.modules, plain.seen, count)
        batch.__dict__["_stem_call"] = plain._stem_call
        batch.__dict__["linear_head"] = plain.layers[-1].passes and plain.layers[-1].passes.linear
        return batch

    def weights(self) -> list[Weights]:
        """The model's own parameters, seen once an episode."""
        return self._repeated(super().weights())

    def detached_weights(self) -> list[Weights]:
        """The same, detached."""
        return self._repeated(super().detached_weights())

    def prepare_input(self, x: Tensor) -> Tensor:
        """What comes before the first layer, mapped over the episodes."""
        return _mapped(super().prepare_input)(x) if self.stem else x

    def _repeated(self, weights: list[Weights]) -> list[Weights]:
        return [{name: value.expand(self.count, *value.shape) for name, value in own.items()} for own in weights]


class BatchedLoop(InnerLoop):
    """As many adaptations as the backbone is batched for, in step; the losses are sums over the episodes."""

    def __init__(
        self, backbone: Backbone, weights: list[Weights], support_x: Tensor, support_y: Tensor, lr: StepSize,
        loss: Loss = F.cross_entropy, *, create_graph: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            backbone, weights, support_x, support_y, lr, sum_over_episodes(loss), create_graph=create_graph
        )
        self._is_cross_entropy = loss is F.cross_entropy and not support_y.is_floating_point()

    def _head_steps(self, row: Row, count: int) -> Tensor | None:
        last, names = len(self.weights) - 1, self.backbone.__dict__["linear_head"]
        free = self._by_values_alone and self._is_cross_entropy and names
        if not free or not is_head_alone(row):
            return None
        x, own = self.input_of(last), self.weights[last]
        if x.dim() != 3 or set(own) != self.backbone.layers[last].trainable:
            return None
        lr = self.lr[last] if isinstance(self.lr, tuple) else self.lr

        def descend(weights: Weights, features: Tensor, labels: Tensor) -> tuple[Weights, Tensor]:
            weight, bias = (weights.get(name) for name in names)
            assert weight is not None
            weight, bias, losses = CrossEntropy(labels).gradient_descent(weight, bias, features, lr, count)
            return {names[0]: weight} if bias is None else {names[0]: weight, names[1]: bias}, losses

        with torch.no_grad():
            self.weights[last], losses = torch.vmap(descend)(own, x, self.loss.labels)
        return losses.sum(0)


def sum_over_episodes(loss: Loss) -> Loss:
    """The loss summed over the episodes, so that each one's gradient is that of its own loss."""
    if loss in (F.cross_entropy, F.mse_loss):
        return lambda outputs, labels: torch.vmap(loss)(outputs, labels).sum()

    def total(outputs: Tensor, labels: Tensor) -> Tensor:  # one by one: a user's loss may branch on its values
        return torch.stack([loss(output, own) for output, own in zip(outputs, labels, strict=True)]).sum()

    return total


def _try_out(plain: Backbone, x: Tensor) -> None:
    with torch.no_grad():
        x = plain.prepare_input(x)
        for layer, own in zip(plain.layers, plain.detached_weights(), strict=True):
            x = layer.call(own, x)


def _mapped(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return torch.vmap(call)
