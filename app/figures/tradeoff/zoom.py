"""The figure as a visitor left it: zoomed in, and with its tool in hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from app.figures.layout import Part
from app.figures.tradeoff.height import round_ticks

TOOLS = ("pan", "zoom")
Range = tuple[float, float]


@dataclass(frozen=True)
class Zoom:
    """What the figure was left at. x, y: ranges as Plotly has them, in powers of ten on a log axis; None: all of it."""

    tool: str
    x: Range | None = None
    y: Range | None = None

    @classmethod
    def heard(cls, told: dict[str, Any]) -> Zoom:
        """From what a browser says; what makes no sense in it is left out."""
        tool = told.get("dragmode")
        return cls(tool if tool in TOOLS else TOOLS[0], _range(told.get("x")), _range(told.get("y")))


def _range(told: Any) -> Range | None:
    good = isinstance(told, list) and len(told) == 2 and all(isinstance(end, (int, float)) for end in told)
    return (float(told[0]), float(told[1])) if good and all(map(math.isfinite, told)) and told[0] != told[1] else None


def handled(figure: Part, view: str, zoom: Zoom | None, drops: int) -> Part:
    """The figure of `scatter`, zoomed as it was left. A double click then shows all that `scatter` would.

    view: the name under which the browser tells of a zoom. drops: how often the threshold's line was dragged and
    dropped: with each the figure is another, and is drawn anew with the line where it belongs.
    """
    layout = figure["layout"] | {"meta": view, "hoverdistance": 12, "dragmode": zoom.tool if zoom else TOOLS[0]}
    for name, kept in (("xaxis", zoom.x if zoom else None), ("yaxis", zoom.y if zoom else None)):
        layout[name] = _zoomed(layout[name], kept)
    return figure | {"layout": layout | {"uirevision": drops}}


def _zoomed(axis: Part, kept: Range | None) -> Part:
    whole = sorted(axis["range"])
    values = [10**end for end in whole] if axis.get("type") == "log" else whole
    low, high = values
    back = {"autorangeoptions": {"clipmin": low, "clipmax": high, "include": values}}
    if kept is None:
        return axis | back
    ticks = {} if axis.get("type") == "log" else round_ticks(*sorted(kept))
    return axis | back | {"range": list(kept)} | ticks
