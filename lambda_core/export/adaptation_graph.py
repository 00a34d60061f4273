"""The whole adaptation as one ONNX graph: support images and labels in, the updated layers' weights out.

Every step is written as the definition says, forward through all layers and backward to the lowest one updated; what
does not change between steps is the same node (`GraphBuilder`), so it is computed once. Layers below the lowest one
ever updated run as the runtime's own convolutions, the others as matrix products over patches.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from lambda_core.export.network import Network
from lambda_core.export.operators import (
    Features,
    FirstBlock,
    Flattening,
    GraphBuilder,
    Head,
    Image,
    MeanOverPlaces,
    Names,
    back_through,
    error,
    on_image,
    rows_of,
    through,
)
from lambda_core.export.task import AdaptationTask
from lambda_core.patterns import Row

SUPPORT_IMAGES, SUPPORT_LABELS = "support_images", "support_labels"


def adaptation_graph(task: AdaptationTask) -> Any:
    """The ONNX model."""
    graph = _Adaptation(task.network, task.images, task.lr, frozen=task.updated[0])
    for row, same in groupby(task.rows):
        graph.steps(row, len(list(same)))
    graph.offer(task.updated)
    return graph.g.model("adaptation", task.facts)


class _Adaptation:
    """The graph so far, and the weights after its steps. frozen: so many leading layers are never updated."""

    def __init__(self, network: Network, images: Sequence[int], lr: Sequence[float], *, frozen: int) -> None:
        self.g, self.network, self.lr, self.frozen = GraphBuilder(), network, lr, frozen
        n, channels, height, width = images
        self.images = Image(self.g.input(SUPPORT_IMAGES, images), n, channels, height, width)
        labels = self.g.input(SUPPORT_LABELS, (n,), np.int64)
        self.one_hot = self._one_hot(labels, n)
        self.weights: list[Names] = [
            {name: self.g.constant(part.start(name, own[name].detach())) for part in parts for name in part.names}
            for parts, own in zip(network.layers, network.backbone.weights(), strict=True)
        ]
        self.first = FirstBlock.of(network.layers[0], self.images) if frozen == 0 else None

    def _one_hot(self, labels: str, n: int) -> str:
        classes = self.g.constant(np.arange(self.network.head.ways), np.int64)
        is_class = self.g.add("Equal", self.g.reshape(labels, (n, 1)), classes)
        return self.g.add("Cast", is_class, to=1)

    def steps(self, row: Row, count: int) -> None:
        """`count` steps that update the layers of `row`."""
        chosen, last = [layer for layer, on in enumerate(row) if on], len(row) - 1
        if chosen == [last] and self.network.layers[last] == (self.network.head,):
            features = self._input_of(last)
            own = self.network.head.steps(self.g, self.weights[last], features, self.one_hot, self.lr[last], count)
            self.weights[last] = own
        elif chosen:
            for _ in range(count):
                self._step(row, chosen[0])

    def _step(self, row: Row, lowest: int) -> None:
        x, kept = self._input_of(lowest), []
        for layer in range(lowest, len(row)):
            x, saved = self._forward(layer, x)
            kept.append(saved)
        share = self.g.scaled(error(self.g, x.value, self.one_hot), 1 / self.images.n)
        gradient: Any = Features(share, x.n, x.channels, 1)
        found: dict[int, Names] = {}
        for layer in range(len(row) - 1, lowest - 1, -1):
            lr = self.lr[layer] if row[layer] else None
            found[layer], gradient = self._backward(layer, kept[layer - lowest], gradient, lr, layer > lowest)
        for layer, own in found.items():
            self.weights[layer] = self.weights[layer] | own

    def _input_of(self, layer: int) -> Any:
        x: Any = self.images
        for below in range(layer):
            x, _ = self._forward(below, x)
        return x

    def _forward(self, layer: int, x: Any) -> tuple[Any, Any]:
        if layer < self.frozen:
            return self._frozen(layer, x), None
        if layer == 0 and self.first:
            return self.first.forward(self.g, self.weights[0], x)
        x = x if isinstance(x, Features) else rows_of(self.g, x)
        return through(self.g, self.network.layers[layer], self.weights[layer], x)

    def _frozen(self, layer: int, x: Any) -> Any:
        """Through a layer of the start, as an image for as long as it is one."""
        parts = self.network.layers[layer]
        images = [part for part in parts if not isinstance(part, (Flattening, MeanOverPlaces, Head))]
        own = self.network.backbone.weights()[layer]
        constants = {name: self.g.constant(value.detach().numpy()) for name, value in own.items()}
        y = on_image(self.g, images, constants, x, None)
        return through(self.g, parts[len(images) :], self.weights[layer], y)[0]

    def _backward(
        self, layer: int, saved: Any, gradient: Any, lr: float | None, needs_input: bool
    ) -> tuple[Names, Any]:
        if layer == 0 and self.first:
            return (self.first.backward(self.g, self.weights[0], saved, gradient, lr), None) if lr else ({}, None)
        parts = self.network.layers[layer]
        return back_through(self.g, parts, self.weights[layer], saved, gradient, lr, needs_input)

    def offer(self, layers: Sequence[int]) -> None:
        """The weights of these layers as outputs, `layer.parameter`, in torch's own form."""
        for layer in layers:
            shapes = {name: tuple(value.shape) for name, value in self.network.backbone.weights()[layer].items()}
            for part in self.network.layers[layer]:
                for name in part.names:
                    value = part.end(self.g, name, self.weights[layer][name], shapes[name])
                    self.g.output(f"{self.network.backbone.names[layer]}.{name}", value, shapes[name])
