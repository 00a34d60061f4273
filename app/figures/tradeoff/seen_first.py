"""The figure as a picture that needs no script: it is seen while Plotly is still on its way.

It is drawn from the very dictionary that Plotly gets, with places in percent of the plot's area: as wide as the page
makes it, and each mark where Plotly will put its own.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import numpy as np

from app.figures.layout import Part

MOST = 1200  # marks; of more, those that fall on the same spot are drawn once
FONTS = "Source Sans 3, Source Sans Pro, Source Sans, sans-serif"  # an image cannot use the page's own
DASHES = {"solid": "", "dot": "1.5 3", "dash": "7 5"}
Place = Callable[[Any], Any]


def picture(figure: Part, alt: str) -> str:
    """Markdown of what `scatter` made, as an image to be shown at the figure's height and as wide as its place.

    Markdown, since that alone Streamlit's first script can show: what it shows HTML with is a script of its own.
    """
    layout = figure["layout"]
    size = f"width='100%' height='{layout['height']}'"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' {size}>{_inside_margins(figure)}</svg>"
    words = alt.replace("[", "(").replace("]", ")")
    return f"![{words}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def _inside_margins(figure: Part) -> str:
    layout = figure["layout"]
    margin = layout["margin"]
    x, y = _scale(layout["xaxis"]), _scale(layout["yaxis"], upwards=True)
    parts = [*_grid(layout, y), *(part for trace in figure["data"] for part in _trace(trace, x, y))]
    words = "".join(_words(layout, x, y))
    high = layout["height"] - margin["t"] - margin["b"]
    plot = f"<svg xmlns='http://www.w3.org/2000/svg' width='100%' height='{high}' overflow='visible'>"
    # HTML has margins in pixels beside a width in percent
    space = f"margin:{margin['t']}px {margin['r']}px {margin['b']}px {margin['l']}px"
    div = f"<div xmlns='http://www.w3.org/1999/xhtml' style='{space}'>{plot}{''.join(parts)}{words}</svg></div>"
    return f"<foreignObject width='100%' height='100%'>{div}</foreignObject>"


def _scale(axis: Part, *, upwards: bool = False) -> Place:
    """A value or an array of them → percent of the axis."""
    first, last = axis["range"]

    def place(values: Any) -> Any:
        at = np.log10(values) if axis.get("type") == "log" else np.asarray(values, float)
        share = 100 * (at - first) / (last - first)
        return np.round(100 - share if upwards else share, 2).tolist()

    return place


def _grid(layout: Part, y: Place) -> Iterator[str]:
    color = layout["yaxis"]["gridcolor"]
    for at in _inside(layout["yaxis"], y):
        yield _line(0, at, 100, at, color, 1)
    for shape in layout["shapes"]:
        line, at = shape["line"], y(shape["y0"])
        yield _line(0, at, 100, at, line["color"], line["width"], line["dash"])


def _inside(axis: Part, place: Place) -> dict[float, str]:
    """Places of the ticks within the range, with their texts."""
    found = {place(tick): text for tick, text in zip(axis["tickvals"], axis["ticktext"], strict=True)}
    return {at: text for at, text in found.items() if 0 <= at <= 100}


def _words(layout: Part, x: Place, y: Place) -> Iterator[str]:
    for at, text in _inside(layout["xaxis"], x).items():
        yield _word(text, layout["xaxis"]["tickfont"], f"{at}%", "100%", "middle", (0, 23))
    for at, text in _inside(layout["yaxis"], y).items():
        yield _word(text, layout["yaxis"]["tickfont"], "0", f"{at}%", "end", (-11, 4))
    along, up = (layout[f"{name}axis"]["title"] for name in "xy")
    yield _word(along["text"], along["font"], "50%", "100%", "middle", (0, 44), size=14)
    yield f"<svg x='-40' y='50%' overflow='visible'><g transform='rotate(-90)'>{_up(up)}</g></svg>"
    for note in layout["annotations"]:
        below = note["yanchor"] == "top"
        yield _word(
            note["text"], note["font"], "100%", f"{y(note['y'])}%", "end", (-2, 15 if below else -5 - note["yshift"])
        )


def _up(title: Part) -> str:
    return _word(title["text"], title["font"], "0", "0", "middle", (0, 0), size=14)


def _word(text: str, font: Part, x: str, y: str, anchor: str, shift: tuple[int, int], size: int = 12) -> str:
    style = f"font-family='{FONTS}' font-size='{size}' fill='{font['color']}' text-anchor='{anchor}'"
    return f"<text x='{x}' y='{y}' dx='{shift[0]}' dy='{shift[1]}' {style}>{escape(text)}</text>"


def _trace(trace: Part, x: Place, y: Place) -> Iterator[str]:
    xs, ys = x(np.asarray(trace["x"], float)), y(np.asarray(trace["y"], float))
    if bars := trace.get("error_y"):
        for at, value, up, down in zip(xs, trace["y"], bars["array"], bars["arrayminus"], strict=True):
            yield _line(at, y(value + up), at, y(value - down), bars["color"], 1)
    if trace["mode"] == "lines":
        yield from _steps(xs, ys, trace["line"])
    else:
        yield from _markers(xs, ys, trace["marker"])


def _steps(xs: list[float], ys: list[float], line: Part) -> Iterator[str]:
    for (x, y), (next_x, next_y) in zip(zip(xs, ys, strict=True), zip(xs[1:], ys[1:], strict=True), strict=False):
        yield _line(x, y, next_x, y, line["color"], line["width"])
        yield _line(next_x, y, next_x, next_y, line["color"], line["width"])


def _markers(xs: list[float], ys: list[float], marker: Part) -> Iterator[str]:
    sizes = np.broadcast_to(marker["size"], len(xs))
    opacities = np.broadcast_to(marker.get("opacity", 1), len(xs))
    seen = set()
    for x, y, size, opacity in zip(xs, ys, sizes, opacities, strict=True):
        spot = (round(x), round(y))
        if not 0 <= y <= 100 or (len(xs) > MOST and spot in seen):
            continue
        seen.add(spot)
        yield _marker(f"{x}%", f"{y}%", marker, float(size) / 2, float(opacity))


def _marker(x: str, y: str, marker: Part, radius: float, opacity: float) -> str:
    symbol, color = marker["symbol"], marker["color"]
    line = marker.get("line", {})
    if "open" in symbol:
        paint = f"fill='none' stroke='{color}' stroke-width='{line.get('width') or 1}' opacity='{opacity:.2g}'"
    else:
        paint = f"fill='{color}' opacity='{opacity:.2g}'"
    if symbol.startswith("circle"):
        return f"<circle cx='{x}' cy='{y}' r='{radius:g}' {paint}/>"
    corners = " ".join(f"{radius * dx:.1f},{radius * dy:.1f}" for dx, dy in CORNERS[symbol.removesuffix("-open")])
    return f"<svg x='{x}' y='{y}' overflow='visible'><polygon points='{corners}' {paint}/></svg>"


def _star() -> list[tuple[float, float]]:
    turns = [(math.pi * turn / 5 - math.pi / 2, 1.4 if turn % 2 == 0 else 0.53) for turn in range(10)]
    return [(size * math.cos(angle), size * math.sin(angle)) for angle, size in turns]


CORNERS = {  # of a marker of radius 1, as large as Plotly's
    "triangle-up": [(-1.15, 0.58), (1.15, 0.58), (0, -1.15)],
    "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    "star": _star(),
}


def _line(x1: float, y1: float, x2: float, y2: float, color: str, width: float, dash: str = "solid") -> str:
    dashes = f" stroke-dasharray='{DASHES[dash]}'" if DASHES[dash] else ""
    ends = f"x1='{x1}%' y1='{y1}%' x2='{x2}%' y2='{y2}%'"
    return f"<line {ends} stroke='{color}' stroke-width='{width:g}'{dashes}/>"
