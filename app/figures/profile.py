"""A performance profile: shares of studies against points lost."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app.figures.layout import base_layout
from app.figures.palette import Palette


def shares(profile: pd.DataFrame, colors: Palette) -> go.Figure:
    """A step line a rule; dotted: what is shown. profile: of `analysis.profile`."""
    figure = go.Figure(layout=base_layout(colors, "points lost at most", "studies, %", height=340))
    shades = [colors.accent, colors.other, colors.undecided]
    for (rule, of), color in zip(profile.groupby("rule", sort=False), shades, strict=False):
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
