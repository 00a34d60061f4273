"""The queries as a second ONNX graph: images and adapted weights in, logits out."""

from __future__ import annotations

from typing import Any

from lambda_core.export.adaptation_graph import SUPPORT_IMAGES
from lambda_core.export.network import Network
from lambda_core.export.operators import GraphBuilder, Image, Names, on_image
from lambda_core.export.task import AdaptationTask

QUERY_IMAGES, LOGITS = "query_images", "logits"


def query_graph(task: AdaptationTask) -> Any:
    """The ONNX model: updated layers' weights are inputs, the others are in it.

    Transductive: any number of queries, together, by their own statistics. By support statistics the support images are
    an input too, and queries may come one at a time.
    """
    g, leading = GraphBuilder(), None
    queries = g.input(QUERY_IMAGES, ("queries", *task.images[1:]))
    if task.statistics == "support":
        leading = task.images[0]
        queries = g.add("Concat", g.input(SUPPORT_IMAGES, task.images), queries, axis=0)
    x: Any = Image(queries, -1, *task.images[1:])
    for layer, parts in enumerate(task.network.layers):
        x = on_image(g, parts, _weights(g, task.network, layer, given=layer in task.updated), x, leading)
    g.output(LOGITS, _after(g, x.value, leading), ("queries", task.ways))
    return g.model("queries", task.facts)


def _weights(g: GraphBuilder, network: Network, layer: int, *, given: bool) -> Names:
    own = network.backbone.weights()[layer]
    if given:
        return {name: g.input(f"{network.backbone.names[layer]}.{name}", value.shape) for name, value in own.items()}
    return {name: g.constant(value.detach().numpy()) for name, value in own.items()}


def _after(g: GraphBuilder, value: str, leading: int | None) -> str:
    """The rows after the leading ones."""
    if leading is None:
        return value
    bounds = [g.constant([each], dtype="int64") for each in (leading, 2**31 - 1, 0)]
    return g.add("Slice", value, *bounds)
