"""The figure of a job under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from app.figures.layout import base_layout
from app.figures.palette import Palette


def curve(records: Sequence[dict[str, Any]], colors: Palette) -> go.Figure:
    """What a training reported so far: accuracies if it has any, else losses, over the iterations."""
    names = [name for name in ("accuracy", "val_accuracy") if any(name in record for record in records)] or ["loss"]
    title = "loss" if names == ["loss"] else "accuracy"
    figure = go.Figure(layout=base_layout(colors, "iteration", title, height=220))
    for name, color in zip(names, (colors.faint, colors.accent), strict=False):
        known = [record for record in records if isinstance(record.get(name), (int, float))]
        figure.add_scatter(
            x=[record["done"] for record in known],
            y=[record[name] for record in known],
            name=name.replace("_", " "),
            mode="lines+markers",
            line={"color": color, "width": 2},
            marker={"size": 4},
        )
    return figure
