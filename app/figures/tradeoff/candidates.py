"""Every candidate by its cost and by what it loses, the front, the full pattern and the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.figures.layout import Part, base_layout, hline, log_axis
from app.figures.palette import Palette
from app.figures.tradeoff.height import TITLES, View
from app.figures.tradeoff.marks import Mark, candidates, cost, front, pointed_out
from lambda_core.formatting import points
from lambda_core.selection import Axis

AXIS_TITLES = {
    "milliseconds": "adaptation time, ms (log)",
    "multiply_adds": "cost of adaptation, million multiply-adds (log)",
}
SIZE = 540  # pixels of height
MARGIN = {"l": 58, "r": 8, "t": 8, "b": 50}  # fixed: the picture that is seen first has the same


def scatter(
    table: pd.DataFrame,
    *,
    axis: Axis,
    view: View,
    emphasised: NDArray[np.bool_],
    marks: Sequence[Mark],
    colors: Palette,
) -> Part:
    """The figure as Plotly takes it, `{"data": …, "layout": …}`, a plain dictionary.

    table: as `Comparison.table` makes it. emphasised: (rows,) bool, the candidates drawn strongly.
    """
    drawn = table[axis].to_numpy() > 0
    traces = []
    for verdict in ("fail", "undecided", "pass"):
        chosen = drawn & (table["verdict"] == verdict).to_numpy()
        traces.append(candidates(table[chosen], emphasised[chosen], verdict, axis, view, colors))
    traces.append(front(table[drawn & table["on_front"].to_numpy()], axis, view, colors))
    traces += [pointed_out(mark, axis, view, colors) for mark in marks if mark.row[axis] > 0]
    return {"data": traces, "layout": _layout(table, drawn, axis, view, colors)}


def below_view(table: pd.DataFrame, view: View) -> int:
    """How many candidates lie below what `scatter` shows at first."""
    return int((~View(view.height, view.threshold).in_view(table)).sum())


def _layout(table: pd.DataFrame, drawn: NDArray[np.bool_], axis: Axis, view: View, colors: Palette) -> Part:
    full, allowed = view.level(table, 0.0), view.level(table, view.threshold)
    layout = base_layout(colors, AXIS_TITLES[axis], TITLES[view.height], height=SIZE)
    layout["xaxis"] |= log_axis(cost(table, axis)[drawn])
    layout["yaxis"] |= view.axis(table)
    for name in ("xaxis", "yaxis"):
        layout[name] |= {"automargin": False}
    lines = (hline(full, colors.faint, "dot"), hline(allowed, colors.undecided, "dash", 1.5))
    layout["shapes"] = [line | {"layer": "above"} for line in lines]  # a line of the grid may lie there too
    layout["annotations"] = [
        _note(full, "full pattern", "bottom", colors),
        _note(allowed, f"{points(view.threshold)} lost: what you allow", "top", colors),
    ]
    return layout | {"margin": MARGIN, "showlegend": False}


def _note(height: float, text: str, anchor: str, colors: Palette) -> Part:
    # at the right: what is slow and yet inaccurate is rarely there; the full pattern has its diamond
    place = {"xref": "x domain", "x": 1, "xanchor": "right", "y": height, "yanchor": anchor}
    clear = 10 if anchor == "bottom" else 0  # of the full pattern's own mark, which may lie right there
    style = {"font": {"color": colors.faint, "size": 12}, "bgcolor": f"{colors.paper}c0", "borderpad": 0}  # c0 of ff
    return {"text": text, "showarrow": False, "yshift": clear, **style, **place}
