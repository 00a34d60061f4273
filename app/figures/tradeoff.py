"""Figures from tables: pure functions, plotly only. Accuracies come as 0 to 1 and are drawn in percent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.figures.layout import across, blend, layout, upright
from app.figures.palette import SHAPES, Palette
from lambda_core.formatting import points
from lambda_core.selection import Choice, PatternGain

AXES = {
    "milliseconds": ("adaptation time, ms (log)", "ms"),
    "multiply_adds": ("cost of adaptation, million multiply-adds (log)", "M multiply-adds"),
}
Trace = dict[str, Any]
CARRIED = [
    "pattern", "steps", "lr", "accuracy", "accuracy_low", "accuracy_high", "degradation", "degradation_low",
    "degradation_high", "milliseconds", "multiply_adds", "speed_up", "verdict",
]  # fmt: skip
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


def tradeoff(
    table: pd.DataFrame,
    *,
    axis: str,
    threshold: float,
    loud: np.ndarray,
    marks: Sequence[Mark],
    colors: Palette,
) -> go.Figure:
    """Accuracy against adaptation time: every candidate by verdict, the front, the full pattern, the threshold.

    table: as `select.candidate_table` makes it. loud: (rows,) bool, the candidates drawn strongly.
    A click on a point carries its pattern, steps and lr first in `customdata`.
    """
    drawn = table[axis].to_numpy() > 0
    traces = []
    for verdict in ("fail", "undecided", "pass"):
        chosen = drawn & (table["verdict"] == verdict).to_numpy()
        traces.append(_candidates(table[chosen], loud[chosen], verdict, axis, colors))
    traces.append(_front(table[drawn & table["on_front"].to_numpy()], axis, colors))
    traces += [_marked(mark, axis, colors) for mark in marks if mark.row[axis] > 0]
    full = float(table.loc[table["reference"], "accuracy"].iloc[0]) * 100
    look = layout(colors, AXES[axis][0], "accuracy, %", height=540)
    look["xaxis"] |= log_axis(table.loc[drawn, axis] / _unit(axis))
    look["yaxis"]["range"] = _range_y(table, full, threshold)
    look["shapes"] = [across(full, colors.faint, "dot"), across(full - threshold, colors.faint, "dash")]
    look["annotations"] = [_threshold_words(full - threshold, f"{points(threshold)} lower", colors)]
    return go.Figure(traces, look)


def usual_marks(table: pd.DataFrame, choice: Choice, current: pd.Series | None, colors: Palette) -> list[Mark]:
    """The full pattern, the chosen candidate and, if any, the current one."""
    chosen = table[(table["pattern"] == choice.pattern) & (table["steps"] == choice.steps) & (table["lr"] == choice.lr)]
    marks = [Mark(table[table["reference"]].iloc[0], "full pattern", "diamond", 12, colors.ink)]
    marks.append(Mark(chosen.iloc[0], "chosen", "star", 17, colors.accent))
    if current is not None:
        marks.append(Mark(current, "current", "circle", 20, colors.ink, filled=False))
    return marks


# Traces are plain dictionaries, checked once, when the figure is made: that halves the time a changed control takes.


def _candidates(rows: pd.DataFrame, loud: np.ndarray, verdict: str, axis: str, colors: Palette) -> Trace:
    return {
        "type": "scatter",
        "x": (rows[axis] / _unit(axis)).to_numpy(),
        "y": rows["accuracy"].to_numpy() * 100,
        "mode": "markers",
        "name": verdict,
        "marker": {
            "symbol": SHAPES[verdict],
            "color": colors.verdict(verdict),
            "size": np.where(loud, 9, 6),
            "opacity": np.where(loud, 0.95, 0.28),
            "line": {"width": 1.5 if "open" in SHAPES[verdict] else 0},
        },
        "customdata": rows[CARRIED].to_numpy(),
        "hovertemplate": _HOVER,
        # a selection must not fade the rest: the current mark shows it
        "selected": {"marker": {"opacity": 0.95}},
        "unselected": {"marker": {}},
    }


def _front(rows: pd.DataFrame, axis: str, colors: Palette) -> Trace:
    rows = rows.sort_values(axis)
    return {
        "type": "scatter",
        "x": (rows[axis] / _unit(axis)).to_numpy(),
        "y": rows["accuracy"].to_numpy() * 100,
        "mode": "lines",
        "name": "front",
        "line": {"color": colors.faint, "width": 1.5, "shape": "hv"},
        "error_y": _bars(rows, colors.faint),
        "hoverinfo": "skip",
    }


def _marked(mark: Mark, axis: str, colors: Palette) -> Trace:
    row = mark.row.to_frame().T
    return {
        "type": "scatter",
        "x": [mark.row[axis] / _unit(axis)],
        "y": [mark.row["accuracy"] * 100],
        "mode": "markers",
        "name": mark.name,
        "marker": {"symbol": mark.symbol if mark.filled else f"{mark.symbol}-open", "size": mark.size,
                   "color": mark.color, "line": _edge(mark, colors)},
        "error_y": _bars(row, mark.color) if mark.filled else None,
        "customdata": row[CARRIED].to_numpy(),
        "hovertemplate": f"<b>{mark.name}</b><br>{_HOVER}",
    }  # fmt: skip


def _edge(mark: Mark, colors: Palette) -> dict[str, object]:
    return {"width": 1, "color": colors.paper} if mark.filled else {"width": 2.5, "color": mark.color}


def _bars(rows: pd.DataFrame, color: str) -> dict[str, object]:
    mean, low, high = (rows[name].to_numpy(float) * 100 for name in ("accuracy", "accuracy_low", "accuracy_high"))
    return {"array": high - mean, "arrayminus": mean - low, "symmetric": False, "color": color, "thickness": 1,
            "width": 3}  # fmt: skip


def _threshold_words(height: float, words: str, colors: Palette) -> dict[str, object]:
    # under the line at the right: what is slow and yet inaccurate is rarely there; the full pattern has its diamond
    return {"text": words, "font": {"color": colors.faint, "size": 12}, "showarrow": False, "xref": "x domain",
            "x": 1, "xanchor": "right", "y": height, "yanchor": "top"}  # fmt: skip


def log_axis(values: pd.Series) -> dict[str, object]:
    """A log axis with full numbers at 1, 2 and 5: plotly's own leaves bare digits between the powers of ten."""
    if values.empty:
        return {"type": "log"}
    low, high = np.log10(values.min()) - 0.08, np.log10(values.max()) + 0.08
    ticks = [digit * 10.0**power for power in range(-6, 13) for digit in (1, 2, 5)]
    return {"type": "log", "range": [low, high], "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}


def _range_y(table: pd.DataFrame, full: float, threshold: float) -> list[float]:
    """Where the choice is made; far worse candidates lie below, a double click shows them."""
    top = max(float(table["accuracy_high"].max()) * 100, full)
    near = table["accuracy"] * 100 > full - max(2.5 * threshold, 8.0)
    bottom = min(float(table.loc[near, "accuracy_low"].min()) * 100, full - threshold)
    room = (top - bottom) * 0.05
    return [bottom - room, top + room]


def below_view(table: pd.DataFrame, threshold: float) -> int:
    """How many candidates lie below what `tradeoff` shows at first."""
    full = float(table.loc[table["reference"], "accuracy"].iloc[0]) * 100
    return int((table["accuracy"] * 100 < _range_y(table, full, threshold)[0]).sum())


def budget(curve: pd.DataFrame, threshold: float, colors: Palette) -> go.Figure:
    """Best speed-up as a function of the allowed degradation. curve: threshold (points), speed_up, pattern, steps."""
    figure = go.Figure(layout=layout(colors, "allowed degradation, points", "best speed-up, ×", height=320))
    figure.add_trace(
        go.Scatter(
            x=curve["threshold"], y=curve["speed_up"], mode="lines+markers", name="fastest that passes",
            line={"color": colors.accent, "width": 2.5, "shape": "hv"}, marker={"size": 5},
            customdata=curve[["pattern", "steps"]].to_numpy(),
            hovertemplate="%{x:.1f} points: %{y:.1f}×<br>pattern <b>%{customdata[0]}</b>, "
            "%{customdata[1]} steps<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(showlegend=False, shapes=[upright(threshold, colors.faint, "dash")])
    return figure.update_yaxes(rangemode="tozero")


def cost_bars(costs: dict[str, np.ndarray], layers: Sequence[str], colors: Palette) -> go.Figure:
    """Where the time goes: multiply-adds by layer, one bar a plan. costs: name -> (layers,) multiply-adds."""
    shades = [blend(colors.accent, colors.paper, share) for share in np.linspace(0.3, 1.0, len(layers))]
    bars = [
        {
            "type": "bar", "y": list(costs), "x": [cost[layer] / 1e6 for cost in costs.values()], "orientation": "h",
            "name": name, "marker": {"color": shade, "line": {"width": 1, "color": colors.paper}}, "text": name,
            "textposition": "inside", "insidetextanchor": "middle", "textangle": 0,
            "hovertemplate": "%{y}<br>" + name + ": %{x:.1f} M multiply-adds<extra></extra>",
        }
        for layer, (name, shade) in enumerate(zip(layers, shades, strict=True))
    ]  # fmt: skip
    look = layout(colors, "", "", height=130) | {
        "barmode": "stack", "bargap": 0.3, "showlegend": False, "margin": {"l": 8, "t": 4, "b": 4, "r": 60},
        "uniformtext": {"minsize": 11, "mode": "hide"},
        "annotations": [
            {"x": cost.sum() / 1e6, "y": name, "text": f" {_millions(cost.sum())}", "showarrow": False,
             "xanchor": "left"} for name, cost in costs.items()
        ],
    }  # fmt: skip
    look["xaxis"]["visible"] = False
    look["yaxis"] |= {"autorange": "reversed", "showgrid": False, "ticklabelposition": "outside top"}
    return go.Figure(bars, look)


def first_steps(rows: Sequence[PatternGain], colors: Palette) -> go.Figure:
    """Accuracy on test classes after few steps: the full pattern beside the best other one."""
    figure = go.Figure(layout=layout(colors, "inner steps", "accuracy on test classes, %", height=320))
    steps = [str(row.steps) for row in rows]
    full, best = [row.full_accuracy * 100 for row in rows], [row.accuracy * 100 for row in rows]
    for name, heights, color, words in (
        ("full pattern", full, colors.faint, ["1" * len(row.pattern.split("/")[0]) for row in rows]),
        ("best other pattern", best, colors.accent, [row.pattern for row in rows]),
    ):
        figure.add_trace(
            go.Bar(
                x=steps, y=heights, name=name, text=words, textposition="outside", marker={"color": color},
                hovertemplate="%{text}, %{x} steps: %{y:.1f} %<extra></extra>",
            )
        )  # fmt: skip
    low = max(0.0, min(full + best) - 8)
    return figure.update_layout(barmode="group", bargap=0.35).update_yaxes(range=[low, max(full + best) + 4])


def training(table: pd.DataFrame, colors: Palette) -> go.Figure:
    """Accuracy over meta-training. table: iteration, accuracy, val_accuracy (NaN where not validated), 0 to 1."""
    figure = go.Figure(layout=layout(colors, "iteration", "accuracy, %", height=320))
    smooth = table["accuracy"].rolling(max(1, len(table) // 60), min_periods=1).mean()
    lines = [
        ("training classes (smoothed)", smooth, colors.faint),
        ("validation classes", table["val_accuracy"], colors.accent),
    ]
    for name, values, color in lines:
        known = values.notna()
        figure.add_trace(
            go.Scatter(
                x=table.loc[known, "iteration"], y=values[known] * 100, mode="lines", name=name,
                line={"color": color, "width": 2}, hovertemplate="%{x}: %{y:.1f} %<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    return figure


def _unit(axis: str) -> float:
    return 1e6 if axis == "multiply_adds" else 1.0


def _millions(count: float) -> str:
    """Such as `14.1 M` and `2,916 M`."""
    value = count / 1e6
    return f"{value:,.0f} M" if value >= 100 else f"{value:.3g} M"
