"""How candidates are drawn in the trade-off figure: by verdict, the front as a line, some pointed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.figures.lamps import lamps
from app.figures.layout import Part
from app.figures.palette import SHAPES, Palette
from app.figures.tradeoff.height import View
from lambda_core.selection import Axis, Choice, candidate_index

# numbers alone: of thousands of candidates words would have to be looked at one by one on their way
_CARRIED = ["steps", "lr", "degradation", "degradation_low", "degradation_high", "accuracy", "milliseconds"]
_CARRIED += ["multiply_adds", "speed_up"]


def _carried(rows: pd.DataFrame) -> NDArray[np.float64]:
    """(rows, 10): the candidate's place in its table, then what the browser writes beside the one that is looked at."""
    return np.column_stack([rows.index.to_numpy(float), rows[_CARRIED].to_numpy(float)])


def _hover(verdict: str) -> str:
    return (
        "<b>%{text}</b> · %{customdata[1]} steps · step size %{customdata[2]:.3~g}<br>"
        f"points lost: %{{customdata[3]:.1f}} (%{{customdata[4]:.1f}} … %{{customdata[5]:.1f}}): {verdict}<br>"
        "accuracy %{customdata[6]:.1%}<br>"
        "%{customdata[7]:.2f} ms · %{customdata[8]:.3s} multiply-adds · %{customdata[9]:.3r}×<extra></extra>"
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


def candidates(
    rows: pd.DataFrame, emphasised: NDArray[np.bool_], verdict: str, axis: Axis, view: View, colors: Palette
) -> Part:
    """The candidates of one verdict. A click on a point carries its place in the table first in `customdata`."""
    return {
        "type": "scatter",
        "x": cost(rows, axis).to_numpy(),
        "y": view.values(rows),
        "mode": "markers",
        "name": verdict,
        "marker": {
            "symbol": SHAPES[verdict],
            "color": colors.verdict(verdict),
            "size": np.where(emphasised, 9, 6),
            "opacity": np.where(emphasised, 0.95, 0.28),
            "line": {"width": 1.5 if "open" in SHAPES[verdict] else 0},
        },
        "customdata": _carried(rows),
        "text": [lamps(pattern) for pattern in rows["pattern"]],
        "hovertemplate": _hover(verdict),
        # a selection must not fade the rest: the current mark shows it
        "selected": {"marker": {"opacity": 0.95}},
        "unselected": {"marker": {}},
    }


def front(rows: pd.DataFrame, axis: Axis, view: View, colors: Palette) -> Part:
    """The line through the candidates that no other beats."""
    rows = rows.sort_values(axis)
    return {
        "type": "scatter",
        "x": cost(rows, axis).to_numpy(),
        "y": view.values(rows),
        "mode": "lines",
        "name": "front",
        "line": {"color": colors.faint, "width": 1.5, "shape": "hv"},
        "error_y": _error_bars(rows, view, colors.faint),
        "hoverinfo": "skip",
    }


def pointed_out(mark: Mark, axis: Axis, view: View, colors: Palette) -> Part:
    """One candidate, larger than the others."""
    row = mark.row.to_frame().T
    return {
        "type": "scatter",
        "x": [cost(mark.row, axis)],
        "y": view.values(row),
        "mode": "markers",
        "name": mark.name,
        "marker": {
            "symbol": mark.symbol if mark.filled else f"{mark.symbol}-open",
            "size": mark.size,
            "color": mark.color,
            "line": _edge(mark, colors),
        },
        "error_y": _error_bars(row, view, mark.color) if mark.filled else None,
        "customdata": _carried(row),
        "text": [lamps(str(mark.row["pattern"]))],
        "hovertemplate": f"<b>{mark.name}</b><br>{_hover(mark.row['verdict'])}",
    }


def _edge(mark: Mark, colors: Palette) -> Part:
    return {"width": 1, "color": colors.paper} if mark.filled else {"width": 2.5, "color": mark.color}


def _error_bars(rows: pd.DataFrame, view: View, color: str) -> Part | None:
    bars = view.bars(rows)
    return None if bars is None else bars | {"color": color, "thickness": 1, "width": 3}
