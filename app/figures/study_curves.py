"""Curves of one study: what a budget buys, accuracy after few steps, and how training went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from app.figures.layout import base_layout, vline
from app.figures.palette import Palette
from lambda_core.patterns import full_like
from lambda_core.selection import PatternGain

Quantity = Literal["accuracy", "loss"]


def budget(curve: pd.DataFrame, threshold: float, colors: Palette) -> go.Figure:
    """Best speed-up as a function of the allowed degradation. curve: threshold (points), speed_up, pattern, steps."""
    line = go.Scatter(
        x=curve["threshold"],
        y=curve["speed_up"],
        mode="lines+markers",
        name="fastest that passes",
        line={"color": colors.accent, "width": 2.5, "shape": "hv"},
        marker={"size": 5},
        customdata=curve[["pattern", "steps"]].to_numpy(),
        hovertemplate=_BUDGET_HOVER,
    )
    figure = go.Figure(line, base_layout(colors, "points of accuracy allowed to lose", "best speed-up, ×", height=320))
    figure.update_layout(showlegend=False, shapes=[vline(threshold, colors.faint, "dash")])
    return figure.update_yaxes(rangemode="tozero")


_BUDGET_HOVER = "%{x:.1f} points: %{y:.1f}×<br>pattern <b>%{customdata[0]}</b>, %{customdata[1]} steps<extra></extra>"


def first_steps(gains: Sequence[PatternGain], colors: Palette) -> go.Figure:
    """Accuracy on test classes after few steps: the full pattern beside the best other one."""
    steps = [str(gain.steps) for gain in gains]
    full, best = [gain.full_accuracy * 100 for gain in gains], [gain.accuracy * 100 for gain in gains]
    figure = go.Figure(layout=base_layout(colors, "inner steps", "accuracy on test classes, %", height=320))
    for name, heights, color, patterns in (
        ("full pattern", full, colors.faint, [full_like(gain.pattern) for gain in gains]),
        ("best other pattern", best, colors.accent, [gain.pattern for gain in gains]),
    ):
        figure.add_bar(
            x=steps,
            y=heights,
            name=name,
            text=patterns,
            textposition="outside",
            marker={"color": color},
            hovertemplate="%{text}, %{x} steps: %{y:.1f} %<extra></extra>",
        )
    # from 0: the length of a bar is read as its value
    return figure.update_layout(barmode="group", bargap=0.35).update_yaxes(range=[0, max(full + best) * 1.08])


def training(table: pd.DataFrame, quantity: Quantity, colors: Palette) -> go.Figure:
    """How meta-training went. table: iteration, loss, accuracy (0 to 1), val_accuracy (NaN where not validated).

    quantity: loss for a regression, which has no accuracies; its val_accuracy is minus the validation loss.
    """
    scale, unit, tasks = (100, "accuracy, %", "classes") if quantity == "accuracy" else (1, "loss", "tasks")
    smooth = table[quantity].rolling(max(1, len(table) // 60), min_periods=1).mean()
    validated = table["val_accuracy"] if quantity == "accuracy" else -table["val_accuracy"]
    figure = go.Figure(layout=base_layout(colors, "iteration", unit, height=320))
    for name, values, color in (
        (f"training {tasks} (smoothed)", smooth, colors.faint),
        (f"validation {tasks}", validated, colors.accent),
    ):
        known = values.notna()
        figure.add_scatter(
            x=table.loc[known, "iteration"],
            y=values[known] * scale,
            mode="lines",
            name=name,
            line={"color": color, "width": 2},
            hovertemplate="%{x}: %{y:.3g}<extra>" + name + "</extra>",
        )
    return figure
