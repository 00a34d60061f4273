"""The colours can be told apart."""

from __future__ import annotations

import pytest

from app.figures.palette import DARK, LIGHT, Palette


def luminance(color: str) -> float:
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_aa(colors: Palette) -> None:
    assert all(contrast(ink, colors.paper) >= 4.5 for ink in (colors.ink, colors.faint))
    marks = (colors.accent, colors.passes, colors.undecided, colors.fails, colors.other)
    assert all(contrast(mark, colors.paper) >= 3 for mark in marks)
