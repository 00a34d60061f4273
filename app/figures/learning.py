"""Figures of the Learn page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go

from app.figures.layout import blend, layout
from app.figures.palette import Palette

if TYPE_CHECKING:
    from lambda_core.workflows import Sine


def sine(found: Sine, steps: int, colors: Palette) -> go.Figure:
    """The true curve, its known points, the fit before adapting, after each step so far, and now."""
    figure = go.Figure(layout=layout(colors, "x", "y", height=500))
    figure.add_trace(_line(found, found.truth, "true curve", colors.faint, 2, "dash"))
    for step in range(1, steps):
        shade = blend(colors.accent, colors.paper, 0.15 + 0.35 * step / max(steps, 1))
        figure.add_trace(_line(found, found.fits[step], f"step {step}", shade, 1, "solid", legend=False))
    figure.add_trace(_line(found, found.fits[0], "before adapting", colors.other, 2, "dot"))
    if steps:
        figure.add_trace(_line(found, found.fits[steps], f"after {steps} steps", colors.accent, 4, "solid"))
    figure.add_trace(
        go.Scatter(x=found.support[:, 0], y=found.support[:, 1], mode="markers", name="known points",
                   marker={"size": 11, "color": colors.ink}, hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>")
    )  # fmt: skip
    return figure.update_yaxes(range=[-5.5, 5.5])


def _line(found: Sine, y: object, name: str, color: str, width: float, dash: str, *, legend: bool = True) -> go.Scatter:
    style = {"color": color, "width": width, "dash": dash}
    return go.Scatter(x=found.x, y=y, mode="lines", name=name, line=style, showlegend=legend, hoverinfo="skip")


def ladder(patterns: Sequence[str], rows: Sequence[pd.Series], words: Sequence[str], colors: Palette) -> go.Figure:
    """Measured time of patterns that freeze ever more layers from below."""
    figure = go.Figure(layout=layout(colors, "adaptation time, ms", "", height=100 + 62 * len(patterns)))
    median = [row["milliseconds"] for row in rows]
    bars = {
        "array": [row["milliseconds_high"] - row["milliseconds"] for row in rows],
        "arrayminus": [row["milliseconds"] - row["milliseconds_low"] for row in rows],
        "symmetric": False, "color": colors.ink, "thickness": 1.2, "width": 5,
    }  # fmt: skip
    names = [f"{told}<br>{text}" for told, text in zip(words, patterns, strict=True)]
    figure.add_trace(
        go.Bar(y=names, x=median, orientation="h", error_x=bars, marker={"color": colors.accent},
               hovertemplate="%{y}: %{x:.2f} ms<extra></extra>")
    )  # fmt: skip
    for name, value, row in zip(names, median, rows, strict=True):
        figure.add_annotation(
            x=row["milliseconds_high"], y=name, text=f"  {value:.1f} ms", showarrow=False, xanchor="left"
        )
    return figure.update_layout(showlegend=False, margin={"r": 70}).update_yaxes(autorange="reversed", automargin=True)


def by_steps(lines: dict[str, pd.DataFrame], start: float, colors: Palette) -> go.Figure:
    """Accuracy over the inner steps with 95 % intervals. lines: name -> candidate rows; start: without adapting."""
    figure = go.Figure(layout=layout(colors, "inner steps", "accuracy, %", height=480))
    styles = zip((colors.ink, colors.accent, colors.fails), ("solid", "dash", "dot"), strict=True)
    for (name, rows), (color, dash) in zip(lines.items(), styles, strict=True):
        figure.add_trace(
            go.Scatter(
                x=[0, *rows["steps"]], y=[start * 100, *rows["accuracy"] * 100], mode="lines+markers", name=name,
                line={"color": color, "width": 3, "dash": dash}, marker={"size": 7},
                error_y={"array": [0, *(rows["accuracy_high"] - rows["accuracy"]) * 100], "thickness": 1, "width": 3},
                hovertemplate="%{x} steps: %{y:.1f} %<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    return figure.update_xaxes(dtick=1)
