"""Paired differences as a picture: what a verdict rests on, small enough to open beside it, with no script to load."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from app.figures.layout import blend
from app.figures.palette import Palette
from lambda_core.formatting import number
from lambda_core.selection import Interval

WIDTH, HEIGHT, FOOT = 420, 130, 34  # pixels
BARS = 41


def paired_picture(lost: NDArray[Any], bounds: Interval, threshold: float, alt: str, colors: Palette) -> str:
    """A histogram of points lost by episode, with the mean between its bounds and the threshold, as an HTML image.

    lost: (episodes,) points. bounds: the mean with the ends that the verdict rests on.
    """
    reach = max(1.0, float(np.abs(lost).max()), abs(bounds.low), abs(bounds.high), threshold) * 1.05
    counts, edges = np.histogram(lost, bins=BARS, range=(-reach, reach))
    parts = [*_bars(counts, edges, reach, colors), *_lines(bounds, threshold, reach, colors), *_foot(reach, colors)]
    box = f"viewBox='0 0 {WIDTH} {HEIGHT + FOOT}'"
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' {box} font-family='sans-serif' font-size='12'>{''.join(parts)}</svg>"
    )
    image = f'<img alt="{escape(alt)}" src="data:image/svg+xml,{quote(svg)}">'
    return f'<div class="ll-paired">{image}</div>'


def _x(value: float, reach: float) -> float:
    return round(WIDTH * (value + reach) / (2 * reach), 1)


def _bars(counts: NDArray[Any], edges: NDArray[Any], reach: float, colors: Palette) -> Iterator[str]:
    fill = blend(colors.accent, colors.paper, 0.55)
    for count, edge in zip(counts, edges[:-1], strict=True):
        tall = round((HEIGHT - 24) * count / max(1, counts.max()), 1)
        place = f"x='{_x(edge, reach)}' y='{HEIGHT - tall}' width='{WIDTH / BARS - 1:.1f}' height='{tall}'"
        yield f"<rect {place} fill='{fill}'/>"


def _lines(bounds: Interval, threshold: float, reach: float, colors: Palette) -> Iterator[str]:
    low, high, mean, allowed = (_x(at, reach) for at in (bounds.low, bounds.high, bounds.estimate, threshold))
    size = f"width='{max(1.0, high - low):.1f}' height='{HEIGHT - 20}'"
    yield f"<rect x='{low}' y='20' {size} fill='{colors.ink}' opacity='0.25'/>"
    yield f"<line x1='{mean}' x2='{mean}' y1='20' y2='{HEIGHT}' stroke='{colors.ink}' stroke-width='2'/>"
    dashed = "stroke-width='1.5' stroke-dasharray='5 4'"
    yield f"<line x1='{allowed}' x2='{allowed}' y1='20' y2='{HEIGHT}' stroke='{colors.undecided}' {dashed}/>"
    left, right = sorted(((mean, "mean", colors.ink), (allowed, "allowed", colors.undecided)))
    for (at, word, color), anchor in ((left, "end"), (right, "start")):
        yield f"<text x='{at}' y='14' text-anchor='{anchor}' fill='{color}'>{word}</text>"


def _foot(reach: float, colors: Palette) -> Iterator[str]:
    yield f"<line x1='0' x2='{WIDTH}' y1='{HEIGHT}' y2='{HEIGHT}' stroke='{colors.faint}'/>"
    for at, anchor in ((-reach, "start"), (0.0, "middle"), (reach, "end")):
        style = f"text-anchor='{anchor}' fill='{colors.faint}'"
        yield f"<text x='{_x(at, reach)}' y='{HEIGHT + 14}' {style}>{number(at)}</text>"
    words = "points lost against all layers, episode by episode"
    yield f"<text x='{WIDTH / 2}' y='{HEIGHT + 30}' text-anchor='middle' fill='{colors.faint}'>{words}</text>"
