"""The compiled inner loop as the engine uses it: tensors in, tensors out, in between buffers of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from lambda_core.compiled.buffers import borrow, give_back
from lambda_core.compiled.layouts import take_images
from lambda_core.compiled.network import Network
from lambda_core.kernels import Weights
from lambda_core.patterns import Row, Update, is_head_alone, lowest_updated


class CompiledLoop:
    """One episode's adaptation, step by step, as `adaptation.InnerLoop` takes it.

    start: the weights it starts from, a dictionary a layer; support_x: (N·K, C, H, W), float32 or float64 as they are;
    support_y: (N·K,) int64 classes; lr: step size, a layer; lowest: no step will update a layer below it. It forgets
    and restarts as `AdaptationPlan` says. The result is that of the definition, to rounding.
    """

    def __init__(
        self, network: Network, start: list[Weights], support_x: Tensor, support_y: Tensor, lr: Sequence[float],
        lowest: int = 0,
    ) -> None:  # fmt: skip
        self.network, self.start, self.lr, self.lowest = network, start, list(lr), lowest
        self.buffers = borrow(network, len(support_x), lowest, support_x.dtype)
        take_images(support_x, self.buffers.images)
        self.labels, self.head = support_y.numpy(), len(network.blocks)
        self._right = 0  # so many blocks' output
        self.changed = [False] * (self.head + 1)
        self.reset()

    def __del__(self) -> None:
        if hasattr(self, "buffers"):
            give_back(self.buffers)

    def reset(self) -> None:
        """Back to the weights it started from; activations that rest on unchanged ones stay."""
        self.buffers.weights.load(self.start)
        if any(self.changed):
            self._right = min(self._right, self.changed.index(True))
        self.changed = [False] * (self.head + 1)

    def take_input(self, layer: int, other: CompiledLoop) -> None:
        """Take over what enters `layer` from another loop over the same images, whose weights below are the same: no
        block below runs here.
        """
        self._right = layer
        if layer == self.head:
            self.buffers.features[:] = other.buffers.features
        elif layer:
            self.buffers.blocks[layer].x[:] = other.buffers.blocks[layer].x

    def run(self, rows: Sequence[Row]) -> Tensor:
        """One step for each of `rows`; the support losses before them, (steps,), NaN where a row updates nothing."""
        losses: list[float] = []
        for row, same in groupby(rows):
            count = len(list(same))
            losses += self._head_steps(count) if is_head_alone(row) else [self._step(row) for _ in range(count)]
        return torch.from_numpy(np.array(losses, self.buffers.weights.row.dtype))

    def step(self, row: Row) -> Tensor:
        """One step; the support loss before it, 0-dimensional."""
        return self.run([row])[0]

    def gradients(self, row: Row) -> float:
        """The support loss; its gradients for what `row` updates are left in `buffers.gradients`."""
        from lambda_core.compiled.steps import head_gradients

        lowest, buffers = lowest_updated(row), self.buffers
        if lowest is None:
            return math.nan
        self._forward_to_head(lowest)
        to_x = buffers.to_features if lowest < self.head else buffers.to_features[:0]
        to_weight, to_bias = buffers.gradients.arrays[-1]
        to_head = to_weight if row[-1] == Update.ALL else to_weight[:0], to_bias if row[-1] else to_bias[:0]
        loss = head_gradients(buffers.features, self.labels, *buffers.weights.arrays[-1], *to_head, to_x)
        for layer in range(self.head - 1, lowest - 1, -1):
            buffers.backward(layer, updated=row[layer] == Update.ALL, needs_input=layer > lowest)
        return float(loss)

    def update(self, row: Row) -> None:
        """A step of gradient descent by `buffers.gradients` for the layers of `row`."""
        from lambda_core.compiled.steps import descend

        weights, gradients = self.buffers.weights, self.buffers.gradients
        for layer, update in enumerate(row):
            if update:
                lr = weights.row.dtype.type(self.lr[layer])
                for parts in zip(weights.parts(layer, update), gradients.parts(layer, update), strict=True):
                    descend(*parts, lr)
                self.changed[layer] = True
        if (lowest := lowest_updated(row)) is not None:
            self._right = min(self._right, lowest)

    def _step(self, row: Row) -> float:
        loss = self.gradients(row)
        self.update(row)
        return loss

    def _head_steps(self, count: int) -> list[float]:
        from lambda_core.compiled.steps import head_steps

        self._forward_to_head(self.head)
        losses, (weight, bias) = np.empty(count), self.buffers.weights.arrays[-1]
        head_steps(self.buffers.features, self.labels, weight, bias, weight.dtype.type(self.lr[-1]), losses)
        self.changed[-1] = True
        return list(losses.tolist())

    def _forward_to_head(self, lowest: int) -> None:
        """Every output that is not right, and what a backward pass down to `lowest` needs."""
        for layer in range(min(self._right, lowest), self.head):
            self.buffers.forward(layer, self.buffers.weights.arrays[layer])
        self._right = self.head

    @property
    def weights(self) -> list[Weights]:
        """The weights as they are now: those it started from where a layer has not changed, else copies."""
        flat = self.buffers.weights
        return [flat.copy_of(layer) if self.changed[layer] else own for layer, own in enumerate(self.start)]
