"""A pattern as lamps, one a layer: what is updated is lit. Easier on the eye than digits."""

from __future__ import annotations

LAMPS = str.maketrans("01", "○●")


def lamps(pattern: str) -> str:
    """`00001` → `○○○○●`; rows stay apart by their stroke."""
    return pattern.translate(LAMPS)
