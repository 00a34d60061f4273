"""Figures that only the Learn page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from app.figures.layout import base_layout, blend
from app.figures.palette import Palette
from lambda_core.patterns import Sine


def sine_fit(sine: Sine, steps: int, colors: Palette) -> go.Figure:
    """The true curve, its known points, the fit before adapting, after each step so far, and now."""
    figure = go.Figure(layout=base_layout(colors, "x", "y", height=500))
    figure.add_trace(_line(sine, sine.truth, "true curve", colors.faint, 2, "dash"))
    for step in range(1, steps):
        shade = blend(colors.accent, colors.paper, 0.15 + 0.35 * step / steps)
        figure.add_trace(_line(sine, sine.fits[step], f"step {step}", shade, 1, "solid", legend=False))
    figure.add_trace(_line(sine, sine.fits[0], "before adapting", colors.other, 2, "dot"))
    if steps:
        figure.add_trace(_line(sine, sine.fits[steps], f"after {steps} steps", colors.accent, 4, "solid"))
    figure.add_scatter(
        x=sine.support[:, 0],
        y=sine.support[:, 1],
        mode="markers",
        name="known points",
        marker={"size": 11, "color": colors.ink},
        hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>",
    )
    return figure.update_yaxes(range=[-5.5, 5.5])


def _line(sine: Sine, y: Any, name: str, color: str, width: float, dash: str, *, legend: bool = True) -> go.Scatter:
    style = {"color": color, "width": width, "dash": dash}
    return go.Scatter(x=sine.x, y=y, mode="lines", name=name, line=style, showlegend=legend, hoverinfo="skip")


def freezing_times(names: Sequence[str], rows: Sequence[pd.Series], colors: Palette) -> go.Figure:
    """Measured time of patterns that freeze ever more layers from below. rows: candidates, one a name."""
    median = [row["milliseconds"] for row in rows]
    quartiles = {
        "array": [row["milliseconds_high"] - row["milliseconds"] for row in rows],
        "arrayminus": [row["milliseconds"] - row["milliseconds_low"] for row in rows],
        "symmetric": False,
        "color": colors.ink,
        "thickness": 1.2,
        "width": 5,
    }
    figure = go.Figure(layout=base_layout(colors, "adaptation time, ms", "", height=100 + 62 * len(rows)))
    figure.add_bar(
        y=list(names),
        x=median,
        orientation="h",
        error_x=quartiles,
        marker={"color": colors.accent},
        hovertemplate="%{y}: %{x:.2f} ms<extra></extra>",
    )
    for name, row in zip(names, rows, strict=True):
        text = f"  {row['milliseconds']:.1f} ms"
        figure.add_annotation(x=row["milliseconds_high"], y=name, text=text, showarrow=False, xanchor="left")
    return figure.update_layout(showlegend=False, margin={"r": 70}).update_yaxes(autorange="reversed", automargin=True)


def accuracy_by_steps(lines: dict[str, pd.DataFrame], start: float, colors: Palette) -> go.Figure:
    """Accuracy over the inner steps with 95 % intervals. lines: name → candidate rows; start: without adapting."""
    figure = go.Figure(layout=base_layout(colors, "inner steps", "accuracy, %", height=480))
    styles = zip((colors.ink, colors.accent, colors.fails), ("solid", "dash", "dot"), strict=True)
    for (name, rows), (color, dash) in zip(lines.items(), styles, strict=True):
        half_widths = [0, *(rows["accuracy_high"] - rows["accuracy"]) * 100]
        figure.add_scatter(
            x=[0, *rows["steps"]],
            y=[start * 100, *rows["accuracy"] * 100],
            mode="lines+markers",
            name=name,
            line={"color": color, "width": 3, "dash": dash},
            marker={"size": 7},
            error_y={"array": half_widths, "thickness": 1, "width": 3},
            hovertemplate="%{x} steps: %{y:.1f} %<extra>" + name + "</extra>",
        )
    return figure.update_xaxes(dtick=1)
