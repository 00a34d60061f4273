"""The figure that Explore is about: accuracy against adaptation time, every candidate by its verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.candidate_marks import Mark, candidates, cost, front, pointed_out
from app.figures.layout import Part, base_layout, hline, log_axis
from app.figures.palette import Palette
from lambda_core.formatting import points
from lambda_core.selection import Axis

AXIS_TITLES = {
    "milliseconds": "adaptation time, ms (log)",
    "multiply_adds": "cost of adaptation, million multiply-adds (log)",
}


def scatter(
    table: pd.DataFrame,
    *,
    axis: Axis,
    threshold: float,
    emphasised: NDArray[np.bool_],
    marks: Sequence[Mark],
    colors: Palette,
) -> go.Figure:
    """Accuracy (%) against cost: every candidate by verdict, the front, the full pattern, the threshold (points).

    table: as `Comparison.table` makes it. emphasised: (rows,) bool, the candidates drawn strongly.
    """
    drawn = table[axis].to_numpy() > 0
    traces = []
    for verdict in ("fail", "undecided", "pass"):
        chosen = drawn & (table["verdict"] == verdict).to_numpy()
        traces.append(candidates(table[chosen], emphasised[chosen], verdict, axis, colors))
    traces.append(front(table[drawn & table["on_front"].to_numpy()], axis, colors))
    traces += [pointed_out(mark, axis, colors) for mark in marks if mark.row[axis] > 0]
    full = _full_accuracy(table)
    layout = base_layout(colors, AXIS_TITLES[axis], "accuracy, %", height=540)
    layout["xaxis"] |= log_axis(cost(table, axis)[drawn])
    layout["yaxis"]["range"] = _y_range(table, full, threshold)
    layout["shapes"] = [hline(full, colors.faint, "dot"), hline(full - threshold, colors.faint, "dash")]
    layout["annotations"] = [_threshold_note(full - threshold, f"{points(threshold)} lower", colors)]
    return go.Figure(traces, layout)


def below_view(table: pd.DataFrame, threshold: float) -> int:
    """How many candidates lie below what `scatter` shows at first."""
    bottom, _ = _y_range(table, _full_accuracy(table), threshold)
    return int((table["accuracy"] * 100 < bottom).sum())


def _full_accuracy(table: pd.DataFrame) -> float:
    return float(table.loc[table["reference"], "accuracy"].iloc[0]) * 100


def _y_range(table: pd.DataFrame, full: float, threshold: float) -> tuple[float, float]:
    """Where the choice is made; far worse candidates lie below, a double click shows them."""
    top = max(float(table["accuracy_high"].max()) * 100, full)
    near = table["accuracy"] * 100 > full - max(2.5 * threshold, 8.0)
    bottom = min(float(table.loc[near, "accuracy_low"].min()) * 100, full - threshold)
    room = (top - bottom) * 0.05
    return bottom - room, top + room


def _threshold_note(height: float, text: str, colors: Palette) -> Part:
    # under the line at the right: what is slow and yet inaccurate is rarely there; the full pattern has its diamond
    place = {"xref": "x domain", "x": 1, "xanchor": "right", "y": height, "yanchor": "top"}
    return {"text": text, "font": {"color": colors.faint, "size": 12}, "showarrow": False, **place}
