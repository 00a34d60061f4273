"""The residual block of ResNet-12, from the passes of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from lambda_core.export.operators.graph_builder import Array, GraphBuilder
from lambda_core.export.operators.normalisation import Normalisation
from lambda_core.export.operators.passes import Names, Pass, Steps
from lambda_core.export.operators.places import Image, Rows
from lambda_core.export.operators.pooling import MaxPooling


@dataclass(frozen=True)
class Residual:
    """Two rows of passes beside each other, their sum, and what follows it."""

    body: tuple[Pass, ...]
    shortcut: tuple[Pass, ...]
    after: tuple[Pass, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for each in (*self.body, *self.shortcut) for name in each.names)

    def start(self, name: str, value: Tensor) -> Array:
        return self._owner(name).start(name, value)

    def end(self, g: GraphBuilder, name: str, value: str, shape: tuple[int, ...]) -> str:
        return self._owner(name).end(g, name, value, shape)

    def _owner(self, name: str) -> Pass:
        return next(each for each in (*self.body, *self.shortcut) if name in each.names)

    def forward(self, g: GraphBuilder, weights: Names, x: Rows) -> tuple[Rows, Any]:
        one, kept_body = through(g, self.body, weights, x)
        other, kept_shortcut = through(g, self.shortcut, weights, x)
        y, kept_after = through(g, self.after, weights, one.named(g.add("Add", one.value, other.value)))
        return y, (kept_body, kept_shortcut, kept_after)

    def backward(
        self, g: GraphBuilder, weights: Names, saved: Any, gradient: Rows, steps: Steps, needs_input: bool
    ) -> tuple[Names, Rows | None]:
        kept_body, kept_shortcut, kept_after = saved
        _, gradient = back_through(g, self.after, weights, kept_after, gradient, {}, True)
        found, one = back_through(g, self.body, weights, kept_body, gradient, steps, needs_input)
        beside, other = back_through(g, self.shortcut, weights, kept_shortcut, gradient, steps, needs_input)
        below = one.named(g.add("Add", one.value, other.value)) if needs_input else None
        return found | beside, below

    def on_image(self, g: GraphBuilder, weights: Names, x: Image, leading: int | None) -> Image:
        one = on_image(g, self.body, weights, x, leading)
        other = on_image(g, self.shortcut, weights, x, leading)
        found: Image = on_image(
            g, self.after, weights, replace(one, value=g.add("Add", one.value, other.value)), leading
        )
        return found


def through(g: GraphBuilder, passes: tuple[Pass, ...], weights: Names, x: Any) -> tuple[Any, list[Any]]:
    """x through a row of passes, and what each keeps for backward."""
    kept = []
    for each in passes:
        x, saved = each.forward(g, weights, x)
        kept.append(saved)
    return x, kept


def back_through(
    g: GraphBuilder,
    passes: tuple[Pass, ...],
    weights: Names,
    kept: list[Any],
    gradient: Any,
    steps: Steps,
    needs_input: bool,
) -> tuple[Names, Any]:
    """The chain rule from the last pass to the first, or to the lowest one with a weight that takes a step."""
    owners = (place for place, each in enumerate(passes) if not steps.keys().isdisjoint(each.names))
    lowest = 0 if needs_input else next(owners, len(passes))
    found: Names = {}
    for place in range(len(passes) - 1, lowest - 1, -1):
        own, gradient = passes[place].backward(g, weights, kept[place], gradient, steps, needs_input or place > lowest)
        found |= own
    return found, gradient


def on_image(g: GraphBuilder, passes: Sequence[Pass], weights: Names, x: Any, leading: int | None) -> Any:
    """An image through a row of passes, by the runtime's own convolutions.

    Pooling goes before the scale and shift of a normalisation where no scale is negative: they are a quarter then.
    """
    place = 0
    while place < len(passes):
        here, after = passes[place], passes[place + 1] if place + 1 < len(passes) else None
        if isinstance(here, Normalisation) and isinstance(after, MaxPooling) and here.keeps_order(g, weights):
            x = here.on_image_pooled(g, weights, x, partial(after.on_image, g, weights), leading)
            place += 2
        else:
            x = here.on_image(g, weights, x, leading)
            place += 1
    return x
