"""Figures of an adaptation: what its plan computes, and how it went when it ran just now."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.layout import Part, base_layout, vline
from app.figures.palette import Palette
from lambda_core.patterns import AdaptationPlan, LayerStep, Trace, Update

KINDS = {  # of a layer at a step: its sign, and what the sign means
    "updated": ("●", "computed and updated"),
    "scaled": ("◐", "computed, scale and shift updated"),
    "passed": ("→", "computed, not updated"),
    "reused": ("=", "reused: nothing below has changed"),
    "skipped": ("", "skipped: the step does nothing"),
}
SMALL = 20  # pixels of a layer, below which its name is written small
LEAST_HIGH, MOST_HIGH = 15, 480  # pixels: of a layer, of all of them
LEGEND = " · ".join(f"{sign or '▢'} {meaning}" for sign, meaning in KINDS.values())


def kind(cell: LayerStep) -> str:
    """One of KINDS."""
    if cell.update:
        return "updated" if cell.update == Update.ALL else "scaled"
    if cell.forward == "computed" or cell.backward == "input":
        return "passed"
    return cell.forward if cell.forward == "skipped" else "reused"


def plan(what_ran: AdaptationPlan, layers: Sequence[str], at: int, colors: Palette, height: int = 34) -> go.Figure:
    """Layers × steps: what was computed, reused, skipped; steps after `at` have not happened yet and are pale.

    height: of a layer, in pixels; less where there are many.
    """
    steps, count = len(what_ran.cells), len(layers)
    height = min(height, max(LEAST_HIGH, MOST_HIGH // count))
    fills = {
        "updated": colors.computed,
        "scaled": colors.computed,
        "passed": colors.passed,
        "reused": colors.reused,
        "skipped": colors.skipped,
    }
    layout = base_layout(colors, "inner step", "", height=60 + height * count)
    layout["shapes"] = [
        _cell(step + 1, layer, fills[kind(cell)], 1.0 if step < at else 0.25)
        for step, row in enumerate(what_ran.cells)
        for layer, cell in enumerate(row)
    ]
    layout["xaxis"] |= {"range": [0.45, steps + 0.55], "tickvals": list(range(1, steps + 1)), "showgrid": False}
    layout["yaxis"] |= {"range": [-0.55, count - 0.45], "showgrid": False}
    small = {"tickfont": {"size": 11}} if height < SMALL else {}
    layout["yaxis"] |= {"tickvals": list(range(count)), "ticktext": list(layers)} | small
    layout |= {"showlegend": False, "margin": {"l": 8, "r": 8, "t": 4, "b": 8}}
    return go.Figure([_signs(what_ran, layers, colors)], layout)


def _cell(step: int, layer: int, fill: str, opacity: float) -> Part:
    box = {"x0": step - 0.46, "x1": step + 0.46, "y0": layer - 0.42, "y1": layer + 0.42}
    return {"type": "rect", **box, "fillcolor": fill, "opacity": opacity, "line": {"width": 0}, "layer": "below"}


def _signs(what_ran: AdaptationPlan, layers: Sequence[str], colors: Palette) -> Part:
    cells = [(s + 1, i, cell) for s, row in enumerate(what_ran.cells) for i, cell in enumerate(row)]
    ink = {
        "updated": colors.paper,
        "scaled": colors.paper,
        "passed": colors.ink,
        "reused": colors.faint,
        "skipped": colors.faint,
    }
    return {
        "type": "scatter",
        "mode": "text",
        "x": [step for step, _, _ in cells],
        "y": [layer for _, layer, _ in cells],
        "text": [KINDS[kind(cell)][0] for *_, cell in cells],
        "textfont": {"color": [ink[kind(cell)] for *_, cell in cells], "size": 13},
        "customdata": [[layers[i], KINDS[kind(cell)][1], cell.multiply_adds / 1e6] for _, i, cell in cells],
        "hovertemplate": _PLAN_HOVER,
    }


_PLAN_HOVER = "%{customdata[0]}, step %{x}: %{customdata[1]}<br>%{customdata[2]:.2f} M multiply-adds<extra></extra>"


def clock(traces: dict[str, Trace], at: int, line_colors: Sequence[str], colors: Palette) -> go.Figure:
    """Adaptation time measured just now: up to step `at` filled, the rest pale. traces: name → trace."""
    figure = go.Figure(layout=base_layout(colors, "milliseconds, measured just now", "", height=150))
    spent = {name: trace.milliseconds[at] for name, trace in traces.items()}
    whole = {name: trace.milliseconds[-1] for name, trace in traces.items()}
    rest = [whole[name] - spent[name] for name in traces]
    for lengths, opacity in ((list(spent.values()), 1.0), (rest, 0.25)):
        figure.add_bar(
            y=list(traces),
            x=lengths,
            orientation="h",
            opacity=opacity,
            marker={"color": list(line_colors)},
            hovertemplate="%{y}: %{x:.2f} ms<extra></extra>",
        )
    for name, trace in traces.items():
        done = at == len(trace.milliseconds) - 1
        text = f" {spent[name]:.1f} ms" if done else f" {spent[name]:.1f} of {whole[name]:.1f} ms"
        figure.add_annotation(x=whole[name], y=name, text=text, showarrow=False, xanchor="left")
    figure.update_layout(barmode="stack", showlegend=False, bargap=0.35, margin={"t": 4, "r": 110})
    return figure.update_yaxes(autorange="reversed", showgrid=False)


CURVES = {"accuracy": "query accuracy, %", "support_loss": "support loss", "query_loss": "query loss"}


def curves(traces: dict[str, Trace], what: str, at: int, line_colors: Sequence[str], colors: Palette) -> go.Figure:
    """One line a pattern over the inner steps. what: one of CURVES."""
    figure = go.Figure(layout=base_layout(colors, "inner step", CURVES[what], height=260))
    for (name, trace), color, dash in zip(traces.items(), line_colors, ("solid", "dash"), strict=True):
        scale = 100 if what == "accuracy" else 1
        figure.add_scatter(
            x=[state.step for state in trace.states],
            y=[getattr(state, what) * scale for state in trace.states],
            mode="lines+markers",
            name=name,
            line={"color": color, "width": 2.5, "dash": dash},
            marker={"size": 6},
            hovertemplate="step %{x}: %{y:.3g}<extra>" + name + "</extra>",
        )
    return figure.update_layout(shapes=[vline(at, colors.faint, "dot")], xaxis_dtick=1)
