"""What every figure starts from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from app.figures.palette import Palette

Part = dict[str, Any]  # a trace, a shape or a note, as Plotly takes it
# Plain dictionaries are checked once, when the figure is made: that halves the time a changed control takes.


def base_layout(colors: Palette, x: str, y: str, height: int = 460) -> Part:
    """Axis titles, quiet grid, legend above; transparent, so that the page's own paper shows. height: pixels."""
    line = {"gridcolor": colors.grid, "zeroline": False, "linecolor": colors.grid, "tickfont": {"color": colors.faint}}
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
        "xaxis": {"title": {"text": x, "font": {"color": colors.faint}}, **line},
        "yaxis": {"title": {"text": y, "font": {"color": colors.faint}}, **line},
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "font": {"color": colors.ink}},
        "font": {"color": colors.ink},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"align": "left"},
        "dragmode": False,  # a finger that moves over a figure scrolls the page; the tool bar zooms and pans
    }


def log_axis(values: pd.Series) -> Part:
    """A log axis with full numbers at 1, 2 and 5: plotly's own leaves bare digits between the powers of ten."""
    if values.empty:
        return {"type": "log"}
    low, high = np.log10(values.min()) - 0.08, np.log10(values.max()) + 0.08
    ticks = [digit * 10.0**power for power in range(-6, 13) for digit in (1, 2, 5)]
    return {"type": "log", "range": [low, high], "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}


def hline(y: float, color: str, dash: str, width: float = 1) -> Part:
    """A level line over the whole width. Plotly's own add_hline takes 20 ms."""
    style = {"color": color, "dash": dash, "width": width}
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": style, "layer": "below"}


def vline(x: float, color: str, dash: str, width: float = 1) -> Part:
    """A line over the whole height."""
    style = {"color": color, "dash": dash, "width": width}
    return {"type": "line", "yref": "y domain", "y0": 0, "y1": 1, "x0": x, "x1": x, "line": style}


def blend(color: str, paper: str, share: float) -> str:
    """The share of a hex colour over the paper's."""
    one, two = (np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) for text in (color, paper))
    return "#" + "".join(f"{int(value):02x}" for value in share * one + (1 - share) * two)
