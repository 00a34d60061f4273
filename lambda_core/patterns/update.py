"""A digit of a pattern: what a step changes of one layer. What depends on a digit's meaning asks here."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Update(IntEnum):
    """What one inner step changes of one layer; false where it changes nothing.

    SCALES: scale and shift of the layer's normalisations (LN-Tune: Zhao et al. 2023, arXiv 2302.08106), or its biases
    where it has none; its filters stay as they are.
    """

    NOTHING = 0
    ALL = 1
    SCALES = 2

    @property
    def digit(self) -> str:
        """As a pattern's text has it."""
        return DIGITS[self]

    @classmethod
    def of_digit(cls, digit: str) -> Update:
        """Raises ValueError for a sign that is none of DIGITS."""
        return cls(DIGITS.index(digit))

    @classmethod
    def widest(cls, updates: Iterable[Update]) -> Update:
        """What changes all that any of them changes."""
        found = set(updates)
        return next((each for each in (cls.ALL, cls.SCALES) if each in found), cls.NOTHING)


DIGITS = "01n"  # in the order of `Update`
Row = tuple[Update, ...]  # of a step: an update a layer

# What a backward pass through a layer is for: what it takes gradients of, and whether it goes on to a layer below.
WAYS_BACK = {
    "none": (Update.NOTHING, False),
    "input": (Update.NOTHING, True),
    "weights": (Update.ALL, False),
    "both": (Update.ALL, True),
    "scales": (Update.SCALES, False),
    "input and scales": (Update.SCALES, True),
}
_WAY = {way: name for name, way in WAYS_BACK.items()}
# So many products, each as large as the layer's forward pass: to its filters, and to its input
PRODUCTS = {name: (update == Update.ALL) + onward for name, (update, onward) in WAYS_BACK.items()}


def lowest_updated(row: Row) -> int | None:
    """The lowest layer that a step changes anything of."""
    return next((layer for layer, update in enumerate(row) if update), None)


def is_head_alone(row: Row) -> bool:
    """Whether the whole last layer is updated, and nothing else."""
    return row[-1] == Update.ALL and not any(row[:-1])


def lowest_ever(rows: Iterable[Row], default: int) -> int:
    """The lowest layer that any of the steps changes anything of."""
    return min((layer for row in rows if (layer := lowest_updated(row)) is not None), default=default)


def way_back(row: Row, layer: int) -> str:
    """Of WAYS_BACK: what the backward pass of such a step does in `layer`."""
    lowest = lowest_updated(row)
    return "none" if lowest is None or layer < lowest else _WAY[Update(row[layer]), layer > lowest]
