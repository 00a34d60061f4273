"""Figures of an adaptation that ran just now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from app.figures.layout import layout, upright
from app.figures.palette import Palette
from lambda_core.patterns import AdaptationPlan, LayerStep

if TYPE_CHECKING:
    from lambda_core.adaptation import Trace

KINDS = {
    "updated": ("●", "computed and updated"),
    "passed": ("→", "computed, not updated"),
    "reused": ("=", "reused: nothing below has changed"),
    "skipped": ("", "skipped: the step does nothing"),
}


def kind(cell: LayerStep) -> str:
    """One of KINDS."""
    if cell.backward in ("weights", "both"):
        return "updated"
    if cell.forward == "computed" or cell.backward == "input":
        return "passed"
    return cell.forward if cell.forward == "skipped" else "reused"


def plan(what_ran: AdaptationPlan, layers: Sequence[str], at: int, colors: Palette, height: int = 34) -> go.Figure:
    """Layers × steps: what was computed, reused, skipped; steps after `at` have not happened yet and are pale."""
    steps = len(what_ran.cells)
    fills = {"updated": colors.computed, "passed": colors.passed, "reused": colors.reused, "skipped": colors.skipped}
    look = layout(colors, "inner step", "", height=60 + height * len(layers))
    look["shapes"] = [
        _layer_step(step + 1, layer, fills[kind(cell)], 1.0 if step < at else 0.25)
        for step, row in enumerate(what_ran.cells)
        for layer, cell in enumerate(row)
    ]
    look["xaxis"] |= {"range": [0.45, steps + 0.55], "tickvals": list(range(1, steps + 1)), "showgrid": False}
    look["yaxis"] |= {"range": [-0.55, len(layers) - 0.45], "tickvals": list(range(len(layers))),
                      "ticktext": list(layers), "showgrid": False}  # fmt: skip
    look |= {"showlegend": False, "margin": {"l": 8, "r": 8, "t": 4, "b": 8}}
    return go.Figure([_signs(what_ran, layers, colors)], look)


def _layer_step(step: int, layer: int, fill: str, opacity: float) -> dict[str, object]:
    return {
        "type": "rect", "x0": step - 0.46, "x1": step + 0.46, "y0": layer - 0.42, "y1": layer + 0.42,
        "fillcolor": fill, "opacity": opacity, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _signs(what_ran: AdaptationPlan, layers: Sequence[str], colors: Palette) -> dict[str, object]:
    cells = [(s + 1, i, cell) for s, row in enumerate(what_ran.cells) for i, cell in enumerate(row)]
    ink = {"updated": colors.paper, "passed": colors.ink, "reused": colors.faint, "skipped": colors.faint}
    return {
        "type": "scatter", "mode": "text",
        "x": [step for step, _, _ in cells], "y": [layer for _, layer, _ in cells],
        "text": [KINDS[kind(cell)][0] for *_, cell in cells],
        "textfont": {"color": [ink[kind(cell)] for *_, cell in cells], "size": 13},
        "customdata": [[layers[i], KINDS[kind(cell)][1], cell.multiply_adds / 1e6] for _, i, cell in cells],
        "hovertemplate": _PLAN_HOVER,
    }  # fmt: skip


_PLAN_HOVER = "%{customdata[0]}, step %{x}: %{customdata[1]}<br>%{customdata[2]:.2f} M multiply-adds<extra></extra>"


def clock(traces: dict[str, Trace], at: int, colors: Sequence[str], palette: Palette) -> go.Figure:
    """Adaptation time measured just now: up to step `at` filled, the rest pale. traces: name -> trace."""
    figure = go.Figure(layout=layout(palette, "milliseconds, measured just now", "", height=150))
    names = list(traces)
    spent = [trace.milliseconds[at] for trace in traces.values()]
    rest = [trace.milliseconds[-1] - done for trace, done in zip(traces.values(), spent, strict=True)]
    for values, opacity in ((spent, 1.0), (rest, 0.25)):
        figure.add_trace(
            go.Bar(
                y=names, x=values, orientation="h", opacity=opacity, marker={"color": list(colors)},
                hovertemplate="%{y}: %{x:.2f} ms<extra></extra>",
            )
        )  # fmt: skip
    for name, done, later in zip(names, spent, rest, strict=True):
        words = (
            f" {done:.1f} ms" if at == len(traces[name].milliseconds) - 1 else f" {done:.1f} of {done + later:.1f} ms"
        )
        figure.add_annotation(x=done + later, y=name, text=words, showarrow=False, xanchor="left")
    figure.update_layout(barmode="stack", showlegend=False, bargap=0.35, margin={"t": 4, "r": 110})
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def curves(traces: dict[str, Trace], what: str, at: int, colors: Sequence[str], palette: Palette) -> go.Figure:
    """One line a pattern over the inner steps. what: accuracy (in percent), support_loss or query_loss."""
    title = {"accuracy": "query accuracy, %", "support_loss": "support loss", "query_loss": "query loss"}[what]
    figure = go.Figure(layout=layout(palette, "inner step", title, height=260))
    dashes = ("solid", "dash")
    for (name, trace), color, dash in zip(traces.items(), colors, dashes, strict=True):
        values = [getattr(frame, what) * (100 if what == "accuracy" else 1) for frame in trace.frames]
        figure.add_trace(
            go.Scatter(
                x=[frame.step for frame in trace.frames], y=values, mode="lines+markers", name=name,
                line={"color": color, "width": 2.5, "dash": dash}, marker={"size": 6},
                hovertemplate="step %{x}: %{y:.3g}<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    return figure.update_layout(shapes=[upright(at, palette.faint, "dot")], xaxis_dtick=1)
