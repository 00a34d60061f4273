"""What the marks of the trade-off figure mean: beside the figure, so that its tools cover nothing."""

from __future__ import annotations

from app.figures.palette import Palette


def legend(colors: Palette) -> str:
    """A line of HTML."""
    items = (
        ("★", colors.accent, "chosen"),
        ("◆", colors.ink, "full pattern (MAML)"),
        ("◯", colors.ink, "current"),
        ("●", colors.passes, "passes"),
        ("○", colors.undecided, "undecided"),
        ("△", colors.fails, "fails"),
        ("━", colors.faint, "front: nothing is both faster and better"),
    )
    parts = "".join(
        f'<span><b style="color:{color}" aria-hidden="true">{sign}</b> {name}</span>' for sign, color, name in items
    )
    return f'<div class="ll-legend">{parts}</div>'
