"""The queries as a second ONNX graph: images and adapted weights in, logits out."""

from __future__ import annotations

from typing import Any

from lambda_core.export.adaptation_graph import SUPPORT_IMAGES
from lambda_core.export.network import Network
from lambda_core.export.operators import GraphBuilder, Image, Names, on_image
from lambda_core.export.task import AdaptationTask

QUERY_IMAGES, LOGITS = "query_images", "logits"


def query_graph(task: AdaptationTask) -> Any:
    """The ONNX model: weights that an adaptation changes are inputs, the others are in it.

    Transductive: any number of queries, together, by their own statistics. By support statistics the support images are
    an input too, and queries may come one at a time.
    """
    g, leading = GraphBuilder(), None
    queries = g.input(QUERY_IMAGES, ("queries", *task.images[1:]))
    if task.statistics == "support":
        leading = task.images[0]
        queries = g.add("Concat", g.input(SUPPORT_IMAGES, task.images), queries, axis=0)
    changed = task.changed
    x: Any = Image(queries, -1, *task.images[1:])
    for layer, parts in enumerate(task.network.layers):
        x = on_image(g, parts, _weights(g, task.network, layer, changed.get(layer, frozenset())), x, leading)
    g.output(LOGITS, _after(g, x.value, leading), ("queries", task.ways))
    return g.model("queries", task.facts)


def _weights(g: GraphBuilder, network: Network, layer: int, given: frozenset[str]) -> Names:
    own, place = network.backbone.weights()[layer], network.backbone.names[layer]
    return {
        name: g.input(f"{place}.{name}", value.shape) if name in given else g.constant(value.detach().numpy())
        for name, value in own.items()
    }


def _after(g: GraphBuilder, value: str, leading: int | None) -> str:
    """The rows after the leading ones."""
    if leading is None:
        return value
    bounds = [g.constant([each], dtype="int64") for each in (leading, 2**31 - 1, 0)]
    return g.add("Slice", value, *bounds)
