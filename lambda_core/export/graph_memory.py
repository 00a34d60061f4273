"""Bytes that a graph needs at once, counted from its nodes in the order in which they stand."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np


def peak_bytes(model: Any) -> dict[str, int]:
    """constants: the weights and tables in the graph. values: the most that lives at once of inputs and results.

    A value lives from the node that makes it to the last one that needs it; reshaping makes no copy. What a runtime's
    own kernels need beside that (packed matrices, patches of its convolutions) is not in it.
    """
    sizes = _sizes(model)
    nodes = list(model.graph.node)
    shared = {node.output[0]: node.input[0] for node in nodes if node.op_type in ("Reshape", "Identity")}
    last = {name: len(nodes) for each in model.graph.output for name in [_owner(each.name, shared)]}
    for place, node in enumerate(nodes):
        for name in node.input:
            owner = _owner(name, shared)
            last[owner] = max(last.get(owner, 0), place)
    live = sum(sizes[each.name] for each in model.graph.input)
    most = live
    for place, node in enumerate(nodes):
        live += sum(sizes[name] for name in node.output if name not in shared)
        most = max(most, live)
        ended = {_owner(name, shared) for name in (*node.input, *node.output)}
        live -= sum(sizes[name] for name in ended if last.get(name, place) == place and name in sizes)
    return {"constants": sum(map(_constant_bytes, model.graph.initializer)), "values": most}


def _owner(name: str, shared: dict[str, str]) -> str:
    while name in shared:
        name = shared[name]
    return name


def _sizes(model: Any) -> dict[str, int]:
    """Bytes of every input and result."""
    from onnx import helper, shape_inference

    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    found = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        item = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)).itemsize
        found[value.name] = item * prod(each.dim_value for each in kind.shape.dim)
    return found


def _constant_bytes(tensor: Any) -> int:
    from onnx import helper

    item = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    return int(prod(tensor.dims)) * item
