"""`export_adaptation`: a model and a pattern in, two ONNX files and a manifest out."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from lambda_core.backbones import Backbone
from lambda_core.errors import ConfigError
from lambda_core.export.adaptation_graph import SUPPORT_IMAGES, SUPPORT_LABELS, adaptation_graph
from lambda_core.export.checking import check_graphs
from lambda_core.export.graph_memory import peak_bytes
from lambda_core.export.operators import OPSET
from lambda_core.export.query_graph import query_graph
from lambda_core.export.runtime import Runtime
from lambda_core.export.task import AdaptationTask
from lambda_core.patterns import LambdaPattern
from lambda_core.system import processor, write_json, write_with

FORMAT = 1
PROGRAM = Path(__file__).with_name("on_device.py")


@dataclass(frozen=True)
class Exported:
    """What was written. manifest: the content of the JSON file."""

    adaptation: Path
    queries: Path
    record: Path
    manifest: dict[str, Any]


def export_adaptation(
    model: nn.Sequential | Backbone,
    path: Path | str,
    pattern: LambdaPattern,
    steps: int,
    lr: float | Sequence[float],
    *,
    support_shape: Sequence[int],
    query_statistics: str = "transductive",
    about: Mapping[str, Any] | None = None,
) -> Exported:
    """Write an adaptation as ONNX graphs of standard operators, checked against the definition.

    path: such as adapt.onnx. Beside it: adapt.queries.onnx, and adapt.json, the manifest. support_shape: (N·K, C, H, W)
    of the support set, fixed; steps: inner steps, 1 or more; lr: inner step size, one for all layers or one a layer.
    query_statistics: transductive or support (see `query_graph`). about: more for the manifest.

    The first graph takes `support_images` (N·K, C, H, W) float32 and `support_labels` (N·K,) int64 and gives the
    weights that it changes, named as in the model; the second takes those and `query_images` (Q, C, H, W), with
    `support_images` under support statistics, and gives `logits` (Q, ways).
    Raises ModelError for a model with parts other than those of 4-CONV and ResNet-12, PatternError where the pattern's
    columns are not its layers, ConfigError for what cannot be written, LambdaError where the onnx package is missing.
    """
    target = _checked_path(path)
    task = AdaptationTask.of(model, support_shape, pattern, steps, lr, query_statistics)
    graphs = {"adaptation": adaptation_graph(task), "queries": query_graph(task)}
    checked = check_graphs(task, **graphs)
    places = {"adaptation": target, "queries": target.with_name(f"{target.stem}.queries.onnx")}
    record = target.with_name(f"{target.stem}.json")
    contents = {name: graph.SerializeToString() for name, graph in graphs.items()}
    manifest = {
        **_settings(task, about or {}),
        "graphs": {name: _described(graph, places[name].name, contents[name]) for name, graph in graphs.items()},
        "checked": checked,
        "time": _time(task, graphs["adaptation"]),
        "peak_bytes": peak_bytes(graphs["adaptation"]),
    }
    for name, place in places.items():
        write_with(place, partial(Path.write_bytes, data=contents[name]))
    write_json(record, manifest)
    return Exported(places["adaptation"], places["queries"], record, manifest)


def archive(export: Callable[[Path], Exported], name: str) -> bytes:
    """A zip archive of what `export` writes when it is given a path: graphs, manifest and a program that runs them.

    name: of the graph in it, without a suffix.
    """
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        done = export(Path(folder) / f"{name}.onnx")
        for path in (done.adaptation, done.queries, done.record, PROGRAM):
            packed.write(path, path.name)
    return content.getvalue()


def _settings(task: AdaptationTask, about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **about,
        "layers": list(task.backbone.names),
        "pattern": str(task.pattern),
        "steps": task.steps,
        "step_sizes": dict(zip(task.backbone.names, task.lr, strict=True)),
        "normalisation": {"support": "statistics of the support set", "queries": task.statistics},
        "opset": OPSET,
    }


def _checked_path(path: Path | str) -> Path:
    target = Path(path)
    if target.suffix != ".onnx":
        raise ConfigError(f"the file to write must end in .onnx, such as adapt.onnx, not {target.name!r}")
    if target.is_dir():
        raise ConfigError(f"{target} is a folder; name the file to write, such as {target / 'adapt.onnx'}")
    return target


def _described(graph: Any, file: str, content: bytes) -> dict[str, Any]:
    return {
        "file": file,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "operators": sorted({node.op_type for node in graph.graph.node}),
        "inputs": {each.name: _shape(each) for each in graph.graph.input},
        "outputs": {each.name: _shape(each) for each in graph.graph.output},
    }


def _shape(value: Any) -> list[int | str]:
    return [each.dim_param or each.dim_value for each in value.type.tensor_type.shape.dim]


def _time(task: AdaptationTask, graph: Any) -> dict[str, Any] | None:
    """How long an adaptation takes here, where a runtime is at hand that devices use."""
    runtime = Runtime(graph)
    if not runtime.is_fast:
        return None
    images = np.random.default_rng(0).standard_normal(task.images, dtype=np.float32)
    labels = np.arange(task.images[0], dtype=np.int64) % task.ways
    milliseconds = runtime.milliseconds({SUPPORT_IMAGES: images, SUPPORT_LABELS: labels})
    return {
        "milliseconds": round(milliseconds, 4),
        "by": runtime.name,
        "clock": "processor",
        "threads": 1,
        "processor": processor(),
    }
