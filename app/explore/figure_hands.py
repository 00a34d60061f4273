"""What hands do to the figure beyond a click: a zoom is kept, the threshold's line is dragged, a swipe scrolls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from app.figures.tradeoff import Zoom
from app.shared import url_state

ASSETS = Path(__file__).parents[1] / "assets"
KEY = "figure-hands"
MOST = 5.0  # points, the slider's end


@cache
def _component() -> Any:
    # needs a running server: not to be had at import
    script = (ASSETS / "figure_hands.js").read_text(encoding="utf-8")
    return st.components.v2.component("lambda_lab_figure_hands", html="<span></span>", js=script)


def kept_zoom(view: str) -> Zoom | None:
    """What was zoomed to in a view of the figure, by the name that `tradeoff.handled` was given."""
    zoom: Zoom | None = st.session_state.get("_zoom", {}).get(view)
    return zoom


def drops() -> int:
    """How often the threshold's line was dropped."""
    return int(st.session_state.get("_drops", 0))


@st.fragment  # a zoom needs no new figure: it is there already
def watch(lost_at: Callable[[float], float]) -> None:
    """Listens to the figure. lost_at: height on its axis → points lost."""
    _component()(key=KEY, on_zoom_change=_keep_zoom, on_dropped_change=lambda: _take_threshold(lost_at))
    if st.session_state.pop("_dropped", False):
        url_state.rerun()


def _keep_zoom() -> None:
    heard = st.session_state[KEY].get("zoom")
    if isinstance(heard, dict):
        st.session_state.setdefault("_zoom", {})[str(heard.get("view"))] = Zoom.heard(heard)


def _take_threshold(lost_at: Callable[[float], float]) -> None:
    height = st.session_state[KEY].get("dropped")
    if isinstance(height, (int, float)):
        url_state.put(threshold=round(min(max(lost_at(height), 0.0), MOST), 1))
        st.session_state.update(_dropped=True, _drops=drops() + 1)
