"""The most memory that an adaptation needs at once, from its plan: like time, it follows from pattern and steps.

Torch-free: it needs the pattern and what each layer needs (`backbones.layer_memory`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lambda_core.errors import PatternError
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.update import Row, Update, lowest_updated, way_back


@dataclass(frozen=True)
class Peak:
    """Bytes that live at once, at the moment when they are the most.

    weights: those that the adaptation starts from, and its own; kept: activations that wait for a later step or for the
    backward pass, and gradients that wait for the update; workspace: what is only worked in.
    """

    weights: int
    kept: int
    workspace: int

    @property
    def total(self) -> int:
        return self.weights + self.kept + self.workspace


@dataclass(frozen=True)
class Pass:
    """One way back through a layer, in bytes. saved: from its forward to its backward pass, its output among them;
    forward, backward: the most that lives at once of what each of the two makes, `saved` among it.
    """

    saved: int
    forward: int
    backward: int


@dataclass(frozen=True)
class LayerMemory:
    """One layer, in bytes, for one support set.

    weights: all its parameters; changed: those that a step changes; output: what enters the next layer; alone: the
    most that lives at once in a forward pass that no backward pass follows, the output among it. passes: by what the
    backward pass is for (`LayerStep.backward`).
    """

    weights: int
    changed: dict[Update, int]
    output: int
    alone: int
    passes: dict[str, Pass]


def peak_of_plan(pattern: LambdaPattern, steps: int, layers: Sequence[LayerMemory]) -> Peak:
    """Of an adaptation step by step, each layer's gradients taken before any is applied.

    The support set itself is its owner's and not counted. Raises PatternError for columns that are not the layers.
    """
    if pattern.layers != len(layers):
        raise PatternError(f"pattern {pattern} has {pattern.layers} columns for {len(layers)} layers")
    start = sum(layer.weights for layer in layers)
    moments, so_far = [Peak(start, 0, 0)], [Update.NOTHING] * len(layers)
    for row in pattern.rows_for(steps):
        own = start + sum(layer.changed[update] for layer, update in zip(layers, so_far, strict=True))
        moments += [Peak(own, *rest) for rest in _moments(row, layers)]
        so_far = [Update.widest(both) for both in zip(so_far, row, strict=True)]
    return max(moments, key=lambda moment: moment.total)


def _moments(row: Row, layers: Sequence[LayerMemory]) -> Iterator[tuple[int, int]]:
    """(kept, workspace) of a step wherever it may be the most: in each layer on the way up and down, in the update."""
    lowest, kept = lowest_updated(row), 0
    if lowest is None:
        return
    for layer in layers[:lowest]:
        yield kept, layer.alone
        kept += layer.output
    passes = [layer.passes[way_back(row, place)] for place, layer in enumerate(layers) if place >= lowest]
    below = kept
    for each in passes:
        yield kept, each.forward
        kept += each.saved
    gradients = 0
    for place in range(len(layers) - 1, lowest - 1, -1):
        each = passes[place - lowest]
        yield kept + gradients, each.backward - each.saved
        kept -= each.saved
        gradients += layers[place].changed[row[place]]
    yield below + gradients, gradients  # the new weights, beside those of before
