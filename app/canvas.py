"""What every figure starts from."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from palette import Palette


def layout(colors: Palette, x: str, y: str, height: int = 460) -> go.Layout:
    """Axis titles, quiet grid, legend above; transparent, so that the page's own paper shows."""
    line = {"gridcolor": colors.grid, "zeroline": False, "linecolor": colors.grid, "tickfont": {"color": colors.faint}}
    return go.Layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        xaxis={"title": {"text": x, "font": {"color": colors.faint}}, **line},
        yaxis={"title": {"text": y, "font": {"color": colors.faint}}, **line},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "font": {"color": colors.ink}},
        font={"color": colors.ink},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"align": "left"},
        dragmode="pan",
    )


def blend(color: str, paper: str, share: float) -> str:
    """The share of a hex colour over the paper's."""
    one, two = (np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) for text in (color, paper))
    return "#" + "".join(f"{int(value):02x}" for value in share * one + (1 - share) * two)
