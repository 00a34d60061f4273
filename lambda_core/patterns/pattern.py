"""Λ itself: which layers the inner loop updates at which step (Khabarlak 2022, arXiv 2206.05930).

A pattern is a matrix, rows = inner steps, columns = layers; a cell is what that step changes of that layer (`Update`).
Its text is one row of digits a step, rows joined by "/"; the last row repeats for the remaining steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lambda_core.errors import PatternError
from lambda_core.patterns.update import DIGITS, Row, Update


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
        object.__setattr__(self, "rows", _without_repeated_tail(tuple(map(_as_updates, self.rows))))

    @classmethod
    def parse(cls, text: str, layers: int) -> LambdaPattern:
        """Read a text such as `00001`, `nnnn1`, `11111/00001`, or one of NAMES, for a backbone of `layers` layers.

        Raises PatternError that says what is wrong and shows a right pattern.
        """
        plain = text.strip().lower()
        if plain in NAMES or plain in ALSO_CALLED or _LAST.fullmatch(plain):
            return cls.named(plain, layers)
        example = cls.named("anil", layers)
        for number, row in enumerate(plain.split("/"), start=1):
            where = f"pattern {text!r}, row {number}: "
            if set(row) - set(DIGITS):
                wrong = next(c for c in row if c not in DIGITS)
                raise PatternError(f"{where}{wrong!r} is neither 0, 1 nor n; write for example {example} or anil")
            if len(row) != layers:
                raise PatternError(f"{where}{len(row)} digits for {layers} layers; write for example {example}")
        return cls(tuple(tuple(map(Update.of_digit, row)) for row in plain.split("/")))

    @classmethod
    def named(cls, name: str, layers: int) -> LambdaPattern:
        """maml or full: all layers. anil or head: the head only (Raghu 2020). boil: all but the head (Oh 2021).
        norm: all scales and shifts, and the head. last2, last3, …: the last layers. none: no adaptation.
        """
        if layers < 1:
            raise PatternError(f"a backbone has at least one layer, not {layers}")
        if found := _LAST.fullmatch(name):
            return cls._last(int(found[1]), layers)
        name = ALSO_CALLED.get(name, name)
        if name not in NAMES:
            also = ", ".join((*NAMES, *ALSO_CALLED))
            raise PatternError(f"no pattern is named {name!r}; the names are {also} and last2, last3, …")
        body, head = NAMES[name]
        return cls(((*(body,) * (layers - 1), head),))

    @classmethod
    def _last(cls, count: int, layers: int) -> LambdaPattern:
        if not 1 <= count <= layers:
            raise PatternError(f"last{count} asks for the last {count} of {layers} layers; write last1 to last{layers}")
        return cls(((Update.NOTHING,) * (layers - count) + (Update.ALL,) * count,))

    @classmethod
    def full(cls, layers: int) -> LambdaPattern:
        """All ones: plain MAML, the reference that every other pattern is compared with."""
        return cls.named("maml", layers)

    @classmethod
    def enumerate(cls, layers: int, *, finer: bool = False) -> list[LambdaPattern]:
        """All 2^layers per-layer patterns (one row each), no adaptation first and the full pattern last.

        finer: all 3^layers, with scale and shift alone, too, in the order of their texts.
        """
        updates = Update if finer else (Update.NOTHING, Update.ALL)
        return [cls((row,)) for row in product(updates, repeat=layers)]

    @classmethod
    def from_matrix(cls, matrix: Iterable[Sequence[int]]) -> LambdaPattern:
        """The pattern of a matrix (steps, layers) of bool, or of `Update`."""
        return cls(tuple(_as_updates([int(cell) for cell in row]) for row in matrix))

    def matrix(self, steps: int) -> NDArray[np.bool_]:
        """Which layers are updated, in part or whole, as a boolean matrix (steps, layers): `rows_for` says what of."""
        return np.array(self.rows_for(steps), dtype=bool).reshape(steps, self.layers)

    def rows_for(self, steps: int) -> list[Row]:
        """What each of `steps` inner steps updates: the rows, the last one repeated, cut after `steps`."""
        if steps < 0:
            raise PatternError(f"steps must be 0 or more, not {steps}")
        return [self.rows[min(step, len(self.rows) - 1)] for step in range(steps)]

    def first(self, steps: int) -> LambdaPattern:
        """The same updates for `steps` ≥ 1 steps in the shortest text: 11111/00001 at one step is 11111."""
        return LambdaPattern(tuple(self.rows_for(steps)))

    @property
    def layers(self) -> int:
        return len(self.rows[0])

    @property
    def is_full(self) -> bool:
        return all(update == Update.ALL for row in self.rows for update in row)

    @property
    def is_finer(self) -> bool:
        """Whether scale and shift alone are updated anywhere."""
        return any(Update.SCALES in row for row in self.rows)

    @property
    def is_per_layer(self) -> bool:
        """One row: the same layers at every step, as in the paper."""
        return len(self.rows) == 1

    @property
    def updates_anything(self) -> bool:
        return any(any(row) for row in self.rows)

    @property
    def name(self) -> str | None:
        """maml, anil, boil, norm or none, where the pattern has such a name."""
        return next((name for name in NAMES if LambdaPattern.named(name, self.layers) == self), None)

    def __str__(self) -> str:
        return "/".join("".join(update.digit for update in row) for row in self.rows)


# name -> (every layer but the last, the last layer)
NAMES = {
    "maml": (Update.ALL, Update.ALL),
    "anil": (Update.NOTHING, Update.ALL),
    "boil": (Update.ALL, Update.NOTHING),
    "none": (Update.NOTHING, Update.NOTHING),
    "norm": (Update.SCALES, Update.ALL),
}
ALSO_CALLED = {"full": "maml", "head": "anil"}
_LAST = re.compile(r"last([0-9]{1,4})")


def full_like(text: str) -> str:
    """The text of the full pattern over the layers of a pattern's text."""
    return "1" * len(text.split("/", maxsplit=1)[0])


def _as_updates(row: Sequence[int]) -> Row:
    try:
        return tuple(map(Update, row))
    except ValueError:
        raise PatternError(f"a pattern's cells are 0, 1 or an Update, not {tuple(row)}") from None


def _without_repeated_tail(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    end = len(rows)
    while end > 1 and rows[end - 1] == rows[end - 2]:
        end -= 1
    return rows[:end]
