"""What every part of a network offers to the graph: two forms of its forward pass, and its backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from lambda_core.export.operators.graph_builder import Array, GraphBuilder
from lambda_core.export.operators.places import Features, Image, Rows

Names = dict[str, str]  # a weight's name in its layer → its value in the graph
Steps = Mapping[str, float]  # a weight's name in its layer → the size of its step; others take none


class Pass(Protocol):
    """One module, or a block of them. Its weights are those of its layer that it has names for."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of its weights."""

    def start(self, name: str, value: Tensor) -> Array:
        """A weight in the form that forward and backward take."""

    def end(self, g: GraphBuilder, name: str, value: str, shape: tuple[int, ...]) -> str:
        """A weight in torch's own form again. shape: of that."""

    def forward(self, g: GraphBuilder, weights: Names, x: Any) -> tuple[Any, Any]:
        """The output for rows or features, and what `backward` needs."""

    def backward(
        self, g: GraphBuilder, weights: Names, saved: Any, gradient: Any, steps: Steps, needs_input: bool
    ) -> tuple[Names, Any]:
        """Its weights that take a step, after that, and the gradient to the input (None: not needed)."""

    def on_image(self, g: GraphBuilder, weights: Names, x: Any, leading: int | None) -> Any:
        """The output for an image, by the runtime's own convolutions; weights in torch's form.

        leading: statistics from so many leading images (None: all of them), whose number may vary.
        """


@dataclass(frozen=True)
class Weightless:
    """A pass without weights."""

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def start(self, name: str, _: Tensor) -> Array:
        raise KeyError(name)

    def end(self, _: GraphBuilder, name: str, __: str, ___: tuple[int, ...]) -> str:
        raise KeyError(name)


def rows_of(g: GraphBuilder, x: Image | Rows) -> Rows:
    """An image as rows."""
    if isinstance(x, Rows):
        return x
    last = g.add("Transpose", x.value, perm=[0, 2, 3, 1])
    return Rows(g.reshape(last, (x.n * x.height * x.width, x.channels)), x.n, x.channels, x.height, x.width)


def features_of(g: GraphBuilder, x: Rows) -> Features:
    return Features(g.reshape(x.value, (x.n, -1)), x.n, x.channels, x.height * x.width)
