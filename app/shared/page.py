"""What every page is made with: its theme, how it ends early, its figures, tabs, errors and link."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import plotly.graph_objects as go
import streamlit as st

from app.figures.palette import DARK, LIGHT, Palette
from app.shared import url_state
from lambda_core.errors import LambdaError

AHEAD, BEFORE_FIGURES = 0.1, 0.3  # seconds of a first page: from the picture to all else, then from figure to figure
SEEN_FIRST = 20.0  # seconds of a session within which a browser may still be waiting for Plotly


def theme() -> str:
    """The visitor's present theme: light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def colors() -> Palette:
    """The palette of that theme."""
    return DARK if theme() == "dark" else LIGHT


class StopPage(Exception):  # noqa: N818 (no error: the page has shown all it can)
    """Ends a page early. Not `st.stop`, after which not even the address can be written."""


def stop() -> NoReturn:
    """There is no more to show on this page."""
    raise StopPage


@contextmanager
def guarded() -> Iterator[None]:
    """A mendable error becomes its sentence, in place of the part that raised it."""
    try:
        yield
    except LambdaError as error:
        st.error(sentence_of(error), icon=":material/error:")


def sentence_of(error: object) -> str:
    """An error, or another text, as a sentence with its capital and its full stop."""
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def show_notices() -> None:
    """What was wrong with the address, each once."""
    for sentence in url_state.take_notices():
        st.warning(sentence, icon=":material/link_off:")


def show_seen_first(key: str, make: Callable[[], str]) -> None:
    """A picture of a figure, until the figure itself is there; from then on its place in the page is empty.

    key: of the figure. make: gives the picture as Markdown. It lies over the figure's place: see style.css. A browser
    paints only once it has worked through all that it was told of: a first page tells it of the picture, then of the
    rest, and of its figures last, whose script alone takes a second to read.
    """
    memory = st.session_state
    first = "_begun" not in memory
    memory["_last"] = [] if first else None
    begun = memory.setdefault("_begun", time.monotonic())
    with st.container(key=f"seen-first-{key}"):
        st.markdown(make() if time.monotonic() - begun < SEEN_FIRST else "")
    if first:
        time.sleep(AHEAD)


def show_figure(figure: go.Figure | dict[str, Any], key: str, alt: str, *, static: bool = False, **more: Any) -> None:
    """Show a figure. alt: what it shows, for those who cannot see it. static: nothing to zoom or to save."""
    save = {"format": url_state.value("picture"), "filename": f"lambda-lab-{key}", "scale": 2}
    tools = _TOOLS | (_SELECTED if "on_select" in more else {})
    config = {"displayModeBar": False} if static else {**tools, "toImageButtonOptions": save}
    draw = partial(st.empty().plotly_chart, figure, key=key, alt=alt, config=config, **more)
    last: list[Callable[[], object]] | None = st.session_state.get("_last")
    if last is None:
        draw()
    else:
        last.append(draw)


def show_last_figures() -> None:
    """The figures that waited for the rest of a first page: that which was seen as a picture, then the others."""
    for draw in st.session_state.pop("_last", None) or ():
        time.sleep(BEFORE_FIGURES)
        draw()


_TOOLS: dict[str, Any] = {
    "displaylogo": False,
    "doubleClick": "reset",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
# such a figure is made anew at every change, at what was zoomed to: its beginning is no longer all of it
_SELECTED = {
    "doubleClick": "autosize",
    "edits": {"shapePosition": True},  # the threshold's line
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "resetScale2d"],
}


def show_tabs(field: str, tabs: dict[str, tuple[str, Callable[[], None]]]) -> None:
    """Tabs by the field's values, each with its label and what fills it; only the open one is filled."""
    labels = {value: label for value, (label, _) in tabs.items()}
    values = {label: value for value, label in labels.items()}
    shown = labels[url_state.value(field)]
    tied = url_state.bound(field, shown, key=f"{field}-tabs", convert=values.__getitem__)
    for tab, (_, fill) in zip(st.tabs(list(values), **tied), tabs.values(), strict=True):
        if tab.open:
            with tab, guarded():
                fill()


def choice(label: str, options: dict[Any, str], field: str, **more: Any) -> None:
    """One of a few values of a field, as a row of buttons. options: value → what its button says."""
    st.segmented_control(
        label, list(options), format_func=options.__getitem__, required=True, **more, **url_state.bound(field)
    )


def next_seed() -> None:
    """What a click for another episode or another curve does."""
    url_state.put(seed=(url_state.value("seed") + 1) % 1_000_000)


def copy_link() -> None:
    """The address of the present view, to copy."""
    with st.popover("Link", icon=":material/link:", help="A link to exactly this view"):
        st.caption("Everything visible is in the address: copy it, send it, same picture.")
        st.code(url_state.link(), language=None, wrap_lines=True)
