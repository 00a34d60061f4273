"""A pattern as lamps, one a layer: what is updated is lit, half where it is scale and shift alone."""

from __future__ import annotations

from lambda_core.patterns import DIGITS

LAMPS = str.maketrans(DIGITS, "○●◐")


def lamps(pattern: str) -> str:
    """`00001` → `○○○○●`; rows stay apart by their stroke."""
    return pattern.translate(LAMPS)
