"""Figures that set studies and patterns side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.lamps import lamps
from app.figures.layout import Part, base_layout, blend, vline
from app.figures.palette import Palette
from lambda_core.selection import PatternGain

MOST_LAMPS = 12  # layers whose lamps leave place beside them
UNITS = {"degradation": (1, "points"), "accuracy": (100, "%"), "speed_up": (1, "×")}  # shade → factor, unit


def shade_range(tables: Sequence[pd.DataFrame], shade: str) -> tuple[float, float]:
    """The least and the most of all tables: one scale for maps that are compared. shade: one of UNITS."""
    values = pd.concat([table.loc[table["steps"] > 0, shade] for table in tables]) * UNITS[shade][0]
    most = float(values.max())
    # patterns without the head stay at chance: they would wash out all other shades
    return float(values.min()), min(10.0, most) if shade == "degradation" else most


def heat_map(table: pd.DataFrame, shade: str, scale_of_all: tuple[float, float], colors: Palette) -> go.Figure:
    """Patterns (rows, as lamps) × steps (columns); ✓ where the verdict is pass.

    shade: one of UNITS. scale_of_all: least and most, in its unit.
    """
    scale, unit = UNITS[shade]
    rows = table[table["steps"] > 0]
    values = rows.pivot(index="pattern", columns="steps", values=shade).mul(scale)
    passes = rows.pivot(index="pattern", columns="steps", values="verdict").reindex_like(values) == "pass"
    values, passes = (part.loc[sorted(part.index, key=_depth)] for part in (values, passes))
    cells = go.Heatmap(
        x=[str(step) for step in values.columns],
        y=[_name(pattern) for pattern in values.index],
        z=values.to_numpy(),
        text=np.where(passes, "✓", ""),
        texttemplate="%{text}",
        xgap=1,
        ygap=1,
        colorscale=_ramp(colors, shade),
        zmin=scale_of_all[0],
        zmax=scale_of_all[1],
        colorbar={"title": unit, "thickness": 12, "outlinewidth": 0},
        hovertemplate="pattern %{y}, %{x} steps: %{z:.2f} " + unit + "<extra></extra>",
    )
    figure = go.Figure(cells, base_layout(colors, "inner steps", "", height=110 + 17 * len(values)))
    figure.update_xaxes(type="category", showgrid=False)
    return figure.update_yaxes(type="category", showgrid=False, tickfont={"family": "monospace", "size": 11})


def _name(pattern: str) -> str:
    """Lamps; of many layers, which would leave no place for the map, in words where only the last are updated."""
    plain = pattern.lstrip("0")
    tail = len(pattern) > MOST_LAMPS and plain and not plain.strip("1")
    return f"last {len(plain)}" if tail else lamps(pattern)


def _depth(pattern: str) -> tuple[bool, int, str]:
    """Patterns that update the head lie above those that do not; in each, those that reach deepest on top."""
    first = pattern.split("/", maxsplit=1)[0]
    lowest = next((layer for layer, digit in enumerate(first) if digit != "0"), -1)
    return first[-1] != "0", -lowest, pattern


def _ramp(colors: Palette, shade: str) -> list[tuple[int, str]]:
    good, bad = blend(colors.accent, colors.paper, 0.9), blend(colors.accent, colors.paper, 0.14)
    return [(0, good), (1, bad)] if shade == "degradation" else [(0, bad), (1, good)]


def differences(values: NDArray[Any], row: pd.Series, threshold: float, colors: Palette) -> go.Figure:
    """Histogram of the differences to the full pattern, points; the mean with its interval, and the threshold.

    values: (episodes,). row: the candidate's, of `Comparison.table`.
    """
    layout = base_layout(colors, "points lost against the full pattern, episode by episode", "episodes", height=260)
    mean, mean_first = row["degradation"], row["degradation"] <= threshold
    ends = {"x0": row["degradation_low"], "x1": row["degradation_high"], "y0": 0, "y1": 1}
    interval = {"type": "rect", "yref": "y domain", "fillcolor": colors.ink, "opacity": 0.25, "line": {"width": 0}}
    lines = [vline(mean, colors.ink, "solid", 2), vline(threshold, colors.fails, "dash", 1.5)]
    layout |= {"shapes": [interval | ends, *lines], "showlegend": False, "bargap": 0.05}
    layout["annotations"] = [
        _above(mean, "mean", mean_first, colors),
        _above(threshold, "threshold", not mean_first, colors),
    ]
    shade = blend(colors.accent, colors.paper, 0.55)
    return go.Figure([{"type": "histogram", "x": values, "marker": {"color": shade}, "nbinsx": 60}], layout)


def _above(x: float, text: str, leftwards: bool, colors: Palette) -> Part:
    """A note over the figure that leads away from the other line's."""
    place = {"x": x, "y": 1, "yref": "y domain", "yanchor": "bottom", "xanchor": "right" if leftwards else "left"}
    return {**place, "text": text, "showarrow": False, "font": {"color": colors.faint, "size": 12}}


def one_step(gains: dict[str, PatternGain], colors: Palette) -> go.Figure:
    """After one step: full pattern and best other pattern, accuracy in percent. gains: by name of the study."""
    found = gains.values()
    layout = base_layout(colors, "accuracy after one step, test classes, %", "", height=110 + 70 * len(gains))
    figure = go.Figure(layout=layout)
    for name, lengths, color, texts in (
        ("full pattern", [gain.full_accuracy * 100 for gain in found], colors.faint, ["full"] * len(gains)),
        ("best other pattern", [gain.accuracy * 100 for gain in found], colors.accent, [g.pattern for g in found]),
    ):
        figure.add_bar(
            y=list(gains),
            x=lengths,
            name=name,
            orientation="h",
            marker={"color": color},
            text=texts,
            textposition="inside",
            hovertemplate="%{y}: %{x:.1f} %<extra>" + name + "</extra>",
        )
    return figure.update_layout(barmode="group", bargap=0.3).update_yaxes(autorange="reversed", automargin=True)


def profile(shares: pd.DataFrame, colors: Palette) -> go.Figure:
    """A performance profile, shares of studies against points lost: a line a rule; dotted: what is shown.

    shares: of `analysis.profile`.
    """
    figure = go.Figure(layout=base_layout(colors, "points lost at most", "studies, %", height=340))
    shades = [colors.accent, colors.other, colors.undecided]
    for (rule, of), color in zip(shares.groupby("rule", sort=False), shades, strict=False):
        for column, dash, name in (("share", "solid", str(rule)), ("shown", "dot", f"{rule}, shown")):
            figure.add_scatter(
                x=of["points"],
                y=100 * of[column],
                name=name,
                mode="lines",
                line={"color": color, "dash": dash, "shape": "hv"},
                legendgroup=str(rule),
                showlegend=column == "share",
                hovertemplate="%{y:.0f} % lose at most %{x:.1f} points<extra>" + name + "</extra>",
            )
    return figure.update_yaxes(range=[0, 102])
