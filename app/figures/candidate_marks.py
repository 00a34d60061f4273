"""How candidates are drawn in the trade-off figure: by verdict, the front as a line, some pointed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.figures.layout import Part
from app.figures.palette import SHAPES, Palette
from lambda_core.selection import Axis, Choice, candidate_index

_CARRIED = [
    *("pattern", "steps", "lr", "accuracy", "accuracy_low", "accuracy_high"),
    *("degradation", "degradation_low", "degradation_high", "milliseconds", "multiply_adds", "speed_up", "verdict"),
]
# the browser formats it, for the one point that is looked at
_HOVER = (
    "pattern <b>%{customdata[0]}</b> · %{customdata[1]} steps · step size %{customdata[2]:.3~g}<br>"
    "accuracy %{customdata[3]:.1%} (95 %: %{customdata[4]:.1%} … %{customdata[5]:.1%})<br>"
    "degradation %{customdata[6]:.1f} points (%{customdata[7]:.1f} … %{customdata[8]:.1f})<br>"
    "%{customdata[9]:.2f} ms · %{customdata[10]:.3s} multiply-adds<br>"
    "speed-up %{customdata[11]:.3r}× · %{customdata[12]}<extra></extra>"
)


@dataclass(frozen=True)
class Mark:
    """A candidate that the figure points out: its row in the table and how it is drawn."""

    row: pd.Series
    name: str
    symbol: str
    size: int
    color: str
    filled: bool = True


def usual_marks(table: pd.DataFrame, choice: Choice, current: pd.Series | None, colors: Palette) -> list[Mark]:
    """The full pattern, the chosen candidate and, if any, the current one."""
    chosen = table.iloc[candidate_index(table, choice.candidate)]
    marks = [
        Mark(table[table["reference"]].iloc[0], "full pattern", "diamond", 12, colors.ink),
        Mark(chosen, "chosen", "star", 17, colors.accent),
    ]
    if current is not None:
        marks.append(Mark(current, "current", "circle", 20, colors.ink, filled=False))
    return marks


def cost(rows: Any, axis: Axis) -> Any:
    """A table's or a row's cost as the figure shows it: milliseconds, or millions of multiply-adds."""
    return rows[axis] / 1e6 if axis == "multiply_adds" else rows[axis]


def candidates(rows: pd.DataFrame, emphasised: NDArray[np.bool_], verdict: str, axis: Axis, colors: Palette) -> Part:
    """The candidates of one verdict. A click on a point carries its pattern, steps and lr first in `customdata`."""
    return {
        "type": "scatter",
        "x": cost(rows, axis).to_numpy(),
        "y": rows["accuracy"].to_numpy() * 100,
        "mode": "markers",
        "name": verdict,
        "marker": {
            "symbol": SHAPES[verdict],
            "color": colors.verdict(verdict),
            "size": np.where(emphasised, 9, 6),
            "opacity": np.where(emphasised, 0.95, 0.28),
            "line": {"width": 1.5 if "open" in SHAPES[verdict] else 0},
        },
        "customdata": rows[_CARRIED].to_numpy(),
        "hovertemplate": _HOVER,
        # a selection must not fade the rest: the current mark shows it
        "selected": {"marker": {"opacity": 0.95}},
        "unselected": {"marker": {}},
    }


def front(rows: pd.DataFrame, axis: Axis, colors: Palette) -> Part:
    """The line through the candidates that no other beats."""
    rows = rows.sort_values(axis)
    return {
        "type": "scatter",
        "x": cost(rows, axis).to_numpy(),
        "y": rows["accuracy"].to_numpy() * 100,
        "mode": "lines",
        "name": "front",
        "line": {"color": colors.faint, "width": 1.5, "shape": "hv"},
        "error_y": _error_bars(rows, colors.faint),
        "hoverinfo": "skip",
    }


def pointed_out(mark: Mark, axis: Axis, colors: Palette) -> Part:
    """One candidate, larger than the others."""
    row = mark.row.to_frame().T
    return {
        "type": "scatter",
        "x": [cost(mark.row, axis)],
        "y": [mark.row["accuracy"] * 100],
        "mode": "markers",
        "name": mark.name,
        "marker": {
            "symbol": mark.symbol if mark.filled else f"{mark.symbol}-open",
            "size": mark.size,
            "color": mark.color,
            "line": _edge(mark, colors),
        },
        "error_y": _error_bars(row, mark.color) if mark.filled else None,
        "customdata": row[_CARRIED].to_numpy(),
        "hovertemplate": f"<b>{mark.name}</b><br>{_HOVER}",
    }


def _edge(mark: Mark, colors: Palette) -> Part:
    return {"width": 1, "color": colors.paper} if mark.filled else {"width": 2.5, "color": mark.color}


def _error_bars(rows: pd.DataFrame, color: str) -> Part:
    mean, low, high = (rows[name].to_numpy(float) * 100 for name in ("accuracy", "accuracy_low", "accuracy_high"))
    spread = {"array": high - mean, "arrayminus": mean - low, "symmetric": False}
    return spread | {"color": color, "thickness": 1, "width": 3}
