"""Play, pause, step: both adaptations side by side, at the step that is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from app.figures import adaptation
from app.figures.palette import Palette
from app.live import image_grid
from app.shared import page, url_state
from lambda_core.data import Pictures
from lambda_core.patterns import Trace
from lambda_core.studies import Study

PAUSE = 0.9  # seconds between two steps while playing


@dataclass(frozen=True, eq=False)
class Run:
    """What ran just now. traces: name → trace. labelled: the truth about the queries is known."""

    study: Study
    pictures: Pictures
    traces: dict[str, Trace]
    steps: int
    labelled: bool


def show(run: Run, colors: Palette) -> None:
    """Only this part reruns while it plays."""
    playing = st.session_state.get("playing", False)
    clock = iter(["set"])
    st.fragment(_player, run_every=PAUSE if playing else None)(run, colors, playing, clock)


def _player(run: Run, colors: Palette, ticking: bool, clock: Iterator[str]) -> None:
    """clock: gives something once, when the page itself runs; later runs are its ticks."""
    ticked = next(clock, None) is None
    at = _controls(run.steps, advance=ticking and ticked)
    if st.session_state.get("playing", False) != ticking:
        url_state.rerun()  # a fragment's clock is set from outside
    for column, (name, trace), side in zip(st.columns(2, gap="medium"), run.traces.items(), "ab", strict=True):
        with column:
            _queries(run, name, at, f"ll-{side}", colors)
            figure = adaptation.plan(trace.plan, run.study.layers, at, colors)
            page.show_figure(figure, f"plan-{side}", _plan_alt(name, trace), static=True)
    st.caption(adaptation.LEGEND)
    _curves(run, at, colors)
    url_state.write_address()


def _controls(steps: int, *, advance: bool) -> int:
    """The step shown. advance: to the next one, if it plays."""
    asked: int | None = url_state.value("at")
    at = steps if asked is None else min(asked, steps)
    if advance and st.session_state.get("playing"):
        at = min(at + 1, steps)
        _go(at, at < steps)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button("Start over", icon=":material/first_page:", on_click=_go, args=(0, False))
        _play_or_pause(at, steps)
        st.button("Next step", icon=":material/skip_next:", on_click=_go, args=(min(at + 1, steps), False))
        st.slider(f"Step shown, of {steps}", 0, steps, **url_state.bound("at", at))
    return at


def _play_or_pause(at: int, steps: int) -> None:
    if st.session_state.get("playing"):
        st.button("Pause", icon=":material/pause:", on_click=_go, args=(at, False), type="primary")
    else:
        start = 0 if at == steps else at
        st.button("Play", icon=":material/play_arrow:", on_click=_go, args=(start, True), type="primary")


def _go(at: int, playing: bool) -> None:
    url_state.put(at=at)
    st.session_state["playing"] = playing


def _queries(run: Run, name: str, at: int, key: str, colors: Palette) -> None:
    """The query images as the pattern takes them now: right or wrong, or the likeliest classes."""
    state = run.traces[name].states[at]
    images, names = run.pictures.query, run.pictures.class_names
    if not run.labelled:
        st.markdown(f"**{name}** · after {at} {'step' if at == 1 else 'steps'}")
        st.html(image_grid.guesses(key, images, state.probabilities, names, colors))
        return
    labels, sure = run.pictures.query_labels, state.probabilities.max(axis=1)
    right = int((state.predictions == labels).sum())
    st.markdown(f"**{name}** · {right} of {len(labels)} right after {at} steps")
    st.html(image_grid.query_grid(key, images, labels, state.predictions, sure, names, colors))


def _curves(run: Run, at: int, colors: Palette) -> None:
    """Time spent, accuracy and loss, both patterns in each figure."""
    lines = (colors.accent, colors.other)
    times = ", ".join(f"{name} {trace.milliseconds[-1]:.1f} ms" for name, trace in run.traces.items())
    clock = adaptation.clock(run.traces, at, lines, colors)
    page.show_figure(clock, "clock", f"Adaptation time: {times}", static=True)
    shown = ("accuracy", "support_loss") if run.labelled else ("support_loss",)
    for column, what in zip(st.columns(2, gap="medium"), shown, strict=False):
        with column:
            alt = f"{what.replace('_', ' ').capitalize()} by inner step"
            page.show_figure(adaptation.curves(run.traces, what, at, lines, colors), what, alt, static=True)


def _plan_alt(name: str, trace: Trace) -> str:
    return f"What ran under {name}: {trace.plan.multiply_adds / 1e6:.1f} million multiply-adds"
