"""What runs an exported graph here: onnxruntime where it is installed, else the plain evaluator of the onnx package."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from lambda_core.export.operators import Array


class Runtime:
    """A graph ready to run on one thread. model: the ONNX model."""

    def __init__(self, model: Any) -> None:
        try:
            self._session, self.name = _onnxruntime(model), f"onnxruntime {metadata.version('onnxruntime')}"
        except ImportError:
            from onnx.reference import ReferenceEvaluator

            self._session, self.name = ReferenceEvaluator(model), f"onnx {metadata.version('onnx')}"
        self._outputs = [each.name for each in model.graph.output]

    @property
    def is_fast(self) -> bool:
        """Whether its times say anything about a device."""
        return self.name.startswith("onnxruntime")

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs by name."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))

    def milliseconds(self, inputs: Mapping[str, Array], runs: int = 15) -> float:
        """Median processor time of a run, after two that are not counted: what it takes on a machine of its own."""
        times = []
        for _ in range(runs + 2):
            start = time.process_time()
            self(inputs)
            times.append(1e3 * (time.process_time() - start))
        return float(np.median(times[2:]))


def _onnxruntime(model: Any) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
