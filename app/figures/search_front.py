"""The figure of a search: step × layer patterns beside the front of the per-layer ones."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import plotly.graph_objects as go

from app.figures.layout import Part, base_layout, log_axis
from app.figures.palette import Palette


def fronts(table: pd.DataFrame, best: Collection[tuple[str, int]], colors: Palette) -> go.Figure:
    """Accuracy (%) against multiply-adds (millions).

    table: one split of `selection.verdicts`. best: (pattern, steps) of what dominates.
    """
    table = table[table["accuracy"] > table["accuracy"].max() - 0.1].sort_values("multiply_adds")
    dominates = [(pattern, steps) in best for pattern, steps in zip(table["pattern"], table["steps"], strict=True)]
    plain, better = table["per_layer"].to_numpy(bool), pd.Series(dominates, index=table.index)
    traces = [
        _points(table[plain], "per layer", colors.faint, "circle-open", 9) | {"mode": "lines+markers"},
        _points(table[~plain & ~better], "changes by step", colors.other, "diamond-open", 9),
        _points(table[better], "dominates a per-layer one", colors.accent, "star", 14),
    ]
    layout = base_layout(colors, "multiply-adds, millions", "accuracy on test classes, %", height=420)
    layout["xaxis"] |= log_axis(table["multiply_adds"] / 1e6)
    return go.Figure(traces, layout)


def _points(rows: pd.DataFrame, name: str, color: str, symbol: str, size: int) -> Part:
    y, low, high = (rows[part].to_numpy(float) * 100 for part in ("accuracy", "accuracy_low", "accuracy_high"))
    spread = {"array": high - y, "arrayminus": y - low, "symmetric": False}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": rows["multiply_adds"].to_numpy() / 1e6,
        "y": y,
        "error_y": {**spread, "color": color, "thickness": 0.8, "width": 0},
        "line": {"color": color, "width": 1.5, "shape": "hv"},
        "marker": {"symbol": symbol, "size": size, "color": color},
        "customdata": rows[["pattern", "steps"]].astype(object).to_numpy(),
        "hovertemplate": _HOVER,
    }


_HOVER = "<b>%{customdata[0]}</b> × %{customdata[1]}<br>%{x:,.1f} M multiply-adds, %{y:.1f} %<extra></extra>"
