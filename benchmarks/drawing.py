"""What the figures of the documents have in common."""

from __future__ import annotations

from typing import Any


def pyplot(font: int) -> Any:
    """matplotlib.pyplot, set to write the same SVG every time; font: size in points."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "lambda", "font.size": font, "axes.spines.top": False, "axes.spines.right": False}
    import matplotlib.pyplot as plt

    return plt
