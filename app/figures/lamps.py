"""A pattern as lamps, one a layer: what is updated is lit, half where it is scale and shift alone.

As text, and as a map of all steps in HTML, as wide as its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lambda_core.patterns import DIGITS, LambdaPattern, Row, Update, describe_pattern

LAMPS = str.maketrans(DIGITS, "○●◐")
SHADES = {Update.NOTHING: "off", Update.ALL: "on", Update.SCALES: "half"}
SAID = {Update.NOTHING: "frozen", Update.ALL: "updated", Update.SCALES: "scale and shift updated"}


def lamps(pattern: str) -> str:
    """`00001` → `○○○○●`; rows stay apart by their stroke."""
    return pattern.translate(LAMPS)


def steps_map(layers: Sequence[str], rows: Sequence[Row], edited: int) -> str:
    """A line a step, a cell a layer, lit where it is updated. edited: the step that stands out, from 1."""
    lines = (_line(layers, row, step, edited=step == edited) for step, row in enumerate(rows, start=1))
    return f'<div class="ll-steps">{"".join(lines)}</div>'


def _line(layers: Sequence[str], row: Row, step: int, *, edited: bool) -> str:
    cells = "".join(
        f'<i class="ll-{SHADES[update]}" title="{escape(name)}, step {step}: {SAID[update]}"></i>'
        for name, update in zip(layers, row, strict=True)
    )
    said = escape(describe_pattern(str(LambdaPattern.from_matrix([row])), layers))
    kind = ' class="ll-edited"' if edited else ""
    return f'<div{kind} role="img" aria-label="step {step}: {said}"><b>{step}</b>{cells}</div>'
