"""Λ itself: which layers the inner loop updates at which step (Khabarlak 2022, arXiv 2206.05930).

A pattern is a boolean matrix, rows = inner steps, columns = layers. Its text is one row of 0/1 a step,
rows joined by "/"; the last row repeats for the remaining steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_core.errors import PatternError

Row = tuple[bool, ...]


@dataclass(frozen=True)
class LambdaPattern:
    """A Lambda pattern in canonical form (no repeated last row); hashable, compares by value.

    rows: at least one row of equal length (layers); row s says what step s updates, the last one repeats.
    """

    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        if not self.rows or not self.rows[0]:
            raise PatternError("a pattern needs at least one row and one layer, such as 00001")
        if len({len(row) for row in self.rows}) != 1:
            raise PatternError(f"the rows of a pattern must have one length, not {[len(row) for row in self.rows]}")
        object.__setattr__(self, "rows", _without_repeated_tail(self.rows))

    @classmethod
    def parse(cls, text: str, layers: int) -> LambdaPattern:
        """Read a text such as `00001`, `11111/00001`, `maml`, `anil` or `boil` for a backbone of `layers` layers.

        Raises PatternError that says what is wrong and shows a right pattern.
        """
        plain = text.strip().lower()
        if plain in NAMES:
            return cls.named(plain, layers)
        example = cls.named("anil", layers)
        for number, row in enumerate(plain.split("/"), start=1):
            where = f"pattern {text!r}, row {number}: "
            if set(row) - {"0", "1"}:
                wrong = next(c for c in row if c not in "01")
                raise PatternError(f"{where}{wrong!r} is neither 0 nor 1; write for example {example} or anil")
            if len(row) != layers:
                raise PatternError(f"{where}{len(row)} digits for {layers} layers; write for example {example}")
        return cls(tuple(tuple(c == "1" for c in row) for row in plain.split("/")))

    @classmethod
    def named(cls, name: str, layers: int) -> LambdaPattern:
        """maml: all layers. anil: the head only (Raghu 2020). boil: all but the head (Oh 2021). none: no adaptation."""
        if name not in NAMES:
            raise PatternError(f"no pattern is named {name!r}; the names are {', '.join(NAMES)}")
        if layers < 1:
            raise PatternError(f"a backbone has at least one layer, not {layers}")
        body, head = NAMES[name]
        return cls(((*(body,) * (layers - 1), head),))

    @classmethod
    def full(cls, layers: int) -> LambdaPattern:
        """All ones: plain MAML, the reference that every other pattern is compared with."""
        return cls.named("maml", layers)

    @classmethod
    def enumerate(cls, layers: int) -> list[LambdaPattern]:
        """All 2^layers per-layer patterns (one row each), no adaptation first and the full pattern last."""
        codes = (format(code, f"0{layers}b") for code in range(2**layers))
        return [cls.parse(code, layers) for code in codes]

    @classmethod
    def from_matrix(cls, matrix: Iterable[Sequence[bool]]) -> LambdaPattern:
        """The pattern of a boolean matrix (steps, layers)."""
        return cls(tuple(tuple(bool(cell) for cell in row) for row in matrix))

    def matrix(self, steps: int) -> NDArray[np.bool_]:
        """Λ as a boolean matrix (steps, layers): the rows, the last one repeated, cut after `steps`."""
        if steps < 0:
            raise PatternError(f"steps must be 0 or more, not {steps}")
        rows = [self.rows[min(step, len(self.rows) - 1)] for step in range(steps)]
        return np.array(rows, dtype=bool).reshape(steps, self.layers)

    def rows_for(self, steps: int) -> list[Row]:
        """The rows of `matrix(steps)` as tuples of bool: what each of `steps` inner steps updates."""
        return [tuple(row) for row in self.matrix(steps).tolist()]

    def first(self, steps: int) -> LambdaPattern:
        """The same updates for `steps` ≥ 1 steps in the shortest text: 11111/00001 at one step is 11111."""
        return LambdaPattern.from_matrix(self.matrix(steps).tolist())

    @property
    def layers(self) -> int:
        return len(self.rows[0])

    @property
    def is_full(self) -> bool:
        return all(all(row) for row in self.rows)

    @property
    def is_per_layer(self) -> bool:
        """One row: the same layers at every step, as in the paper."""
        return len(self.rows) == 1

    @property
    def updates_anything(self) -> bool:
        return any(any(row) for row in self.rows)

    @property
    def name(self) -> str | None:
        """maml, anil, boil or none, where the pattern has such a name."""
        return next((name for name in NAMES if LambdaPattern.named(name, self.layers) == self), None)

    def __str__(self) -> str:
        return "/".join("".join("1" if cell else "0" for cell in row) for row in self.rows)


# name -> (every layer but the last, the last layer)
NAMES = {"maml": (True, True), "anil": (False, True), "boil": (True, False), "none": (False, False)}


def full_like(text: str) -> str:
    """The text of the full pattern over the layers of a pattern's text."""
    return "1" * len(text.split("/", maxsplit=1)[0])


def _without_repeated_tail(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    end = len(rows)
    while end > 1 and rows[end - 1] == rows[end - 2]:
        end -= 1
    return rows[:end]
