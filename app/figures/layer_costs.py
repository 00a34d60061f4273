"""Where the time goes: multiply-adds by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.layout import Part, base_layout, blend
from app.figures.palette import Palette


def bars(costs: dict[str, NDArray[np.int64]], layers: Sequence[str], colors: Palette) -> go.Figure:
    """Multiply-adds by layer, one bar a plan. costs: name of the plan → (layers,) multiply-adds."""
    shades = [blend(colors.accent, colors.paper, share) for share in np.linspace(0.3, 1.0, len(layers))]
    millions = {name: cost / 1e6 for name, cost in costs.items()}
    parts = [
        _layer(layer, {name: cost[number] for name, cost in millions.items()}, shade, colors)
        for number, (layer, shade) in enumerate(zip(layers, shades, strict=True))
    ]
    layout = base_layout(colors, "", "", height=130) | {
        "barmode": "stack",
        "bargap": 0.3,
        "showlegend": False,
        "margin": {"l": 8, "t": 4, "b": 4, "r": 60},
        "uniformtext": {"minsize": 11, "mode": "hide"},
        "annotations": [_total(name, float(cost.sum())) for name, cost in millions.items()],
    }
    layout["xaxis"]["visible"] = False
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False, "ticklabelposition": "outside top"}
    return go.Figure(parts, layout)


def _layer(layer: str, millions: dict[str, float], shade: str, colors: Palette) -> Part:
    return {
        "type": "bar",
        "orientation": "h",
        "y": list(millions),
        "x": list(millions.values()),
        "name": layer,
        "marker": {"color": shade, "line": {"width": 1, "color": colors.paper}},
        "text": layer,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "hovertemplate": "%{y}<br>" + layer + ": %{x:.1f} M multiply-adds<extra></extra>",
    }


def _total(name: str, millions: float) -> Part:
    """Such as `14.1 M` and `2,916 M`, at the end of its bar."""
    text = f"{millions:,.0f} M" if millions >= 100 else f"{millions:.3g} M"
    return {"x": millions, "y": name, "text": f" {text}", "showarrow": False, "xanchor": "left"}
