"""The whole adaptation as one ONNX graph: support images and labels in, the weights that change out.

Every step is written as the definition says, forward through all layers and backward to the lowest one updated; what
does not change between steps is the same node (`GraphBuilder`), so it is computed once. Layers below the lowest one
ever updated run as the runtime's own convolutions, the others as matrix products over patches.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np

from lambda_core.export.operators import (
    Features,
    FirstBlock,
    Flattening,
    GraphBuilder,
    Head,
    Image,
    MeanOverPlaces,
    Names,
    Steps,
    back_through,
    error,
    on_image,
    rows_of,
    through,
)
from lambda_core.export.task import AdaptationTask
from lambda_core.patterns import Row, Update, is_head_alone, lowest_updated

SUPPORT_IMAGES, SUPPORT_LABELS = "support_images", "support_labels"


def adaptation_graph(task: AdaptationTask) -> Any:
    """The ONNX model."""
    graph = _Adaptation(task)
    for row, same in groupby(task.rows):
        graph.steps(row, len(list(same)))
    graph.offer(task.changed)
    return graph.g.model("adaptation", task.facts)


class _Adaptation:
    """The graph so far, and the weights after its steps. frozen: so many leading layers are never updated."""

    def __init__(self, task: AdaptationTask) -> None:
        network, n = task.network, task.images[0]
        self.g, self.network, self.lr, self.frozen = GraphBuilder(), network, task.lr, min(task.changed)
        self.images = Image(self.g.input(SUPPORT_IMAGES, task.images), *task.images)
        labels = self.g.input(SUPPORT_LABELS, (n,), np.int64)
        self.one_hot = self._one_hot(labels, n)
        self.weights: list[Names] = [
            {name: self.g.constant(part.start(name, own[name].detach())) for part in parts for name in part.names}
            for parts, own in zip(network.layers, network.backbone.weights(), strict=True)
        ]
        whole = all(row[0] != Update.SCALES for row in task.rows)  # else its filters' gradient is for nothing
        self.first = FirstBlock.of(network.layers[0], self.images) if self.frozen == 0 and whole else None

    def _one_hot(self, labels: str, n: int) -> str:
        classes = self.g.constant(np.arange(self.network.head.ways), np.int64)
        is_class = self.g.add("Equal", self.g.reshape(labels, (n, 1)), classes)
        return self.g.add("Cast", is_class, to=1)

    def steps(self, row: Row, count: int) -> None:
        """`count` steps that update what `row` says."""
        lowest, last = lowest_updated(row), len(row) - 1
        if is_head_alone(row) and self.network.layers[last] == (self.network.head,):
            features = self._input_of(last)
            own = self.network.head.steps(self.g, self.weights[last], features, self.one_hot, self.lr[last], count)
            self.weights[last] = own
        elif lowest is not None:
            for _ in range(count):
                self._step(row, lowest)

    def _step(self, row: Row, lowest: int) -> None:
        x, kept = self._input_of(lowest), []
        for layer in range(lowest, len(row)):
            x, saved = self._forward(layer, x)
            kept.append(saved)
        share = self.g.scaled(error(self.g, x.value, self.one_hot), 1 / self.images.n)
        gradient: Any = Features(share, x.n, x.channels, 1)
        found: dict[int, Names] = {}
        changed = self.network.backbone.changed_by(row)
        for layer in range(len(row) - 1, lowest - 1, -1):
            steps = dict.fromkeys(changed.get(layer, ()), self.lr[layer])
            found[layer], gradient = self._backward(layer, kept[layer - lowest], gradient, steps, layer > lowest)
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

    def _backward(self, layer: int, saved: Any, gradient: Any, steps: Steps, needs_input: bool) -> tuple[Names, Any]:
        if layer == 0 and self.first:
            return (self.first.backward(self.g, self.weights[0], saved, gradient, steps), None) if steps else ({}, None)
        parts = self.network.layers[layer]
        return back_through(self.g, parts, self.weights[layer], saved, gradient, steps, needs_input)

    def offer(self, changed: Mapping[int, frozenset[str]]) -> None:
        """The weights that changed as outputs, `layer.parameter`, in torch's own form."""
        for layer, names in changed.items():
            shapes = {name: tuple(value.shape) for name, value in self.network.backbone.weights()[layer].items()}
            for part in self.network.layers[layer]:
                for name in part.names:
                    if name in names:
                        value = part.end(self.g, name, self.weights[layer][name], shapes[name])
                        self.g.output(f"{self.network.backbone.names[layer]}.{name}", value, shapes[name])
