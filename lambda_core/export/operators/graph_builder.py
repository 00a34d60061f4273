"""ONNX nodes written down one after another; what is asked for twice is computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_core.errors import LambdaError
from lambda_core.system import finishing

OPSET, IR_VERSION = 18, 9  # of 2022 and 2023: what phones and older runtimes read, too

Array = NDArray[Any]


class GraphBuilder:
    """A graph under construction. Values are known by their names.

    A node of the same kind, inputs and attributes as an earlier one is that node: so activations below the lowest
    updated layer, and patches of an input that stays the same, are computed once, whoever asks for them.
    """

    def __init__(self) -> None:
        self.onnx = _onnx()
        self._nodes: list[Any] = []
        self._known: dict[Any, list[str]] = {}
        self._constants: dict[str, Array] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node of one output; returns its name. An empty name is an input left out."""
        return self.add_several(kind, inputs, 1, **attributes)[0]

    def add_several(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """A node of several outputs; returns their names."""
        key = (kind, tuple(inputs), outputs, repr(sorted(attributes.items())))
        if key not in self._known:
            names = [f"{kind}_{len(self._nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
            self._nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, **attributes))
            self._known[key] = names
        return self._known[key]

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """A value known when the graph is made; equal ones are kept once."""
        array = np.ascontiguousarray(np.asarray(value, dtype=dtype))
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = [f"constant_{len(self._constants)}"]
            self._constants[self._known[key][0]] = array
        return self._known[key][0]

    def is_constant(self, name: str) -> bool:
        return name in self._constants

    def value_of(self, name: str) -> Array:
        """The value of a constant."""
        return self._constants[name]

    def input(self, name: str, shape: Sequence[int | str], dtype: Any = np.float32) -> str:
        """An input of the graph; sizes that may vary are names."""
        self._inputs.append(self._described(name, shape, dtype))
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """Offer `value` as an output of the graph."""
        self._nodes.append(self.onnx.helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._described(name, shape, np.float32))

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        return self.add("Reshape", value, self.constant(shape, np.int64))

    def reduce(self, kind: str, value: str, axes: Sequence[int], *, keepdims: bool = False) -> str:
        return self.add(kind, value, self.constant(axes, np.int64), keepdims=int(keepdims))

    def scaled(self, value: str, factor: float) -> str:
        return self.add("Mul", value, self.constant(factor))

    def minus(self, value: str, gradient: str, step_size: float) -> str:
        """A step of gradient descent: value − step_size · gradient."""
        return self.add("Sub", value, self.scaled(gradient, step_size))

    def model(self, name: str, metadata: Mapping[str, str]) -> Any:
        """The finished graph as an ONNX model, checked. metadata: kept inside of it."""
        helper, used = self.onnx.helper, {each for node in self._nodes for each in node.input}
        constants = [self.onnx.numpy_helper.from_array(v, k) for k, v in self._constants.items() if k in used]
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="lambda-core",
        )
        helper.set_model_props(model, dict(metadata))
        self.onnx.checker.check_model(model)
        return model

    def _described(self, name: str, shape: Sequence[int | str], dtype: Any) -> Any:
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.onnx.helper.make_tensor_value_info(name, kind, list(shape))


def _onnx() -> Any:
    try:
        with finishing(lambda: None) as stop_if_asked:  # a Ctrl-C inside its C++ would end the process there
            import onnx

            stop_if_asked()
    except ImportError as error:
        raise LambdaError(
            "writing ONNX files needs the package onnx, which is not installed; get it with: "
            "pip install 'lambda-core[export]'"
        ) from error
    return onnx
