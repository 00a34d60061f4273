"""Controls that several pages share; each is tied to its field of the address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from app.figures import tradeoff
from app.figures.palette import DARK, LIGHT, Palette
from app.shared import study_cache, url_state
from lambda_core.errors import LambdaError, PatternError
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study

CONFIDENCES = {0.8: "80 %", 0.9: "90 %", 0.95: "95 %", 0.99: "99 %"}
PRESETS = {"maml": "MAML", "anil": "ANIL", "boil": "BOIL"}
PRESET_HELP = {"maml": "all layers, at every step", "anil": "only the head", "boil": "all layers but the head"}


def theme() -> str:
    """The visitor's present theme: light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def colors() -> Palette:
    """The palette of that theme."""
    return DARK if theme() == "dark" else LIGHT


class PageDone(Exception):  # noqa: N818 (no error: the page has shown all it can)
    """Ends a page early. Not `st.stop`, after which not even the address can be written."""


def done() -> NoReturn:
    """There is no more to show on this page."""
    raise PageDone


def study_picker(prefer: Callable[[Study], bool] = lambda _: True) -> Study:
    """The study to look at; stops the page with what to do where there is none.

    prefer: of the studies, the first of these is shown to who has asked for none.
    """
    studies, errors = study_cache.shelf()
    for error in errors:
        st.warning(str(error), icon=":material/broken_image:")
    if not studies:
        st.info(_NO_STUDY, icon=":material/folder_open:")
        done()
    first = next((name for name, study in studies.items() if prefer(study)), next(iter(studies)))
    asked = url_state.value("study")
    if asked is not None and asked not in studies:
        url_state.reject("study", f"There is no study named “{asked}” here; shown instead: {first}.")
        show_notices()
    name = st.selectbox(
        "Study",
        list(studies),
        format_func=lambda name: f"{studies[name].title} ({name})",
        **url_state.bound("study", first),
    )
    return studies[name]


_NO_STUDY = (
    "There is no study yet. `lambda-core train --dataset glyphs --out cached_results/my-study` makes one, "
    "`lambda-core sweep` and `lambda-core time` measure it."
)


def show_notices() -> None:
    for sentence in url_state.take_notices():
        st.warning(sentence, icon=":material/link_off:")


def study_bar(*, settings: bool = False) -> Study:
    """The row at the top: which study, how much may be lost, and what else decides a verdict."""
    if not settings:
        one, two = st.columns([3, 1], vertical_alignment="bottom")
        with one:
            study = study_picker()
        with two.container(horizontal=True, horizontal_alignment="right"):
            copy_link()
        return study
    one, two, three = st.columns([2, 1.6, 1], gap="medium", vertical_alignment="bottom")
    with one:
        study = study_picker()
    with two:
        threshold_slider()
    with three.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if study.measured:
            settings_popover(study)
        copy_link()
    return study


def threshold_slider() -> None:
    st.slider(
        "Allowed degradation, points", 0.0, 5.0, step=0.1, format="%.1f", help=_THRESHOLD_HELP,
        **url_state.bound("threshold"),
    )  # fmt: skip


def settings_popover(study: Study) -> None:
    """Confidence, axis, device: what an analyst sets once."""
    with st.popover("Settings", icon=":material/tune:"):
        st.segmented_control("Confidence", list(CONFIDENCES), format_func=CONFIDENCES.get, required=True,
                             **url_state.bound("confidence"))  # fmt: skip
        st.segmented_control("Speed is", list(AXES), format_func=AXES.get, required=True, help=_AXIS_HELP,
                             **url_state.bound("axis"))  # fmt: skip
        keys = study_cache.timings(study)
        st.selectbox("Timed on", list(keys), format_func=keys.get, **url_state.bound("timing", timing_key(study)))
        st.segmented_control("Figures are saved as", ["svg", "png"], format_func=str.upper, required=True,
                             **url_state.bound("picture"))  # fmt: skip
        if study.accuracy["lr"].nunique() > 1:
            st.toggle("Any step size", help="Candidates with other inner step sizes are looked at too",
                      **url_state.bound("lrs"))  # fmt: skip


AXES = {"milliseconds": "Time", "multiply_adds": "Multiply-adds"}
_AXIS_HELP = "Time is measured on the device below; multiply-adds are counted and the same on every machine."


def timing_key(study: Study) -> str:
    """The device and thread count asked for, or the first that the study was timed on."""
    keys, asked = study_cache.timings(study), url_state.value("timing")
    if asked is not None and asked not in keys:
        url_state.reject(
            "timing", f"This study was not timed on “{asked}”; shown instead: {next(iter(keys.values()))}."
        )
        show_notices()
    return url_state.value("timing") or next(iter(keys))


def steps_of(field: str, fallback: int, most: int) -> int:
    """The inner steps a field holds, if they were measured."""
    asked = url_state.value(field)
    if asked is not None and asked > most:
        url_state.reject(
            field, f"This study was measured for at most {most} steps, not {asked}; shown instead: {fallback}."
        )
        show_notices()
    steps = url_state.value(field)
    return fallback if steps is None else steps


def not_measured(study: Study) -> None:
    """What to do about a study that has no tables yet."""
    missing = "accuracy" if study.accuracy is None else "adaptation times"
    command = "sweep" if study.accuracy is None else "time"
    st.info(f"This study is trained, but its {missing} were not measured yet. This command does it: "
            f"`lambda-core {command} cached_results/{study.name}`", icon=":material/hourglass_empty:")  # fmt: skip
    figure(tradeoff.training(study.training, colors()), "training", "Accuracy over meta-training")


def figure(made: go.Figure, key: str, alt: str, *, still: bool = False, **more: Any) -> None:
    """Show a figure. alt: what it shows, for those who cannot see it. still: nothing to zoom or to save."""
    save = {"format": url_state.value("picture"), "filename": f"lambda-lab-{key}", "scale": 2}
    config = {"displayModeBar": False} if still else {**_TOOLS, "toImageButtonOptions": save}
    st.plotly_chart(made, key=key, alt=alt, config=config, **more)


_TOOLS = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}


def tabs(field: str, labels: dict[str, str]) -> dict[str, TabContainer]:
    """Tabs by value; only the one with `.open` need be filled."""
    key = f"{field}-tabs"
    st.session_state[key] = labels[url_state.value(field)]
    values = {label: value for value, label in labels.items()}
    made = st.tabs(
        list(labels.values()), key=key, on_change=lambda: url_state.put(field, values[st.session_state[key]])
    )
    return dict(zip(labels, made, strict=True))


@contextmanager
def guarded() -> Iterator[None]:
    """A mendable error becomes its sentence, in place of the part that raised it."""
    try:
        yield
    except LambdaError as error:
        st.error(sentence_of(error), icon=":material/error:")


_THRESHOLD_HELP = (
    "How many percentage points of accuracy a faster pattern may lose against the full pattern. "
    "A pattern passes only if the episodes show it at the asked confidence, corrected for all candidates looked at."
)


def pattern_of(field: str, layers: Sequence[str], fallback: str) -> LambdaPattern:
    """The pattern a field holds; one that does not fit the backbone is dropped with a notice."""
    try:
        return LambdaPattern.parse(url_state.value(field) or fallback, len(layers))
    except PatternError as error:
        url_state.reject(field, f"{sentence_of(error)} Shown instead: {fallback}.")
        show_notices()
        return LambdaPattern.parse(fallback, len(layers))


def pattern_editor(field: str, layers: Sequence[str], pattern: LambdaPattern, steps: int, *more: Button) -> None:
    """Toggles for each layer, in the order of the network; with the grid open, one row of them a step.

    more: presets beside MAML, ANIL and BOIL.
    """
    by_step = url_state.value("grid") or not pattern.is_per_layer
    rows = pattern.matrix(max(steps, 1) if by_step else 1).tolist()
    for number, row in enumerate(rows):
        _layer_toggles(field, layers, row, number, len(rows))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for label, help_text, put in (*_presets(field, layers), *more):
            st.button(label, key=f"{field}-{label}", help=help_text, on_click=put)
        key = f"{field}-grid"
        st.session_state[key] = by_step
        st.toggle("By step", key=key, help="Different layers at each step", on_change=_grid_toggled,
                  args=(field, key, str(pattern.first(1))))  # fmt: skip


Button = tuple[str, str, Callable[[], None]]  # label, help, what a click does


def _presets(field: str, layers: Sequence[str]) -> list[Button]:
    texts = {name: str(LambdaPattern.named(name, len(layers))) for name in PRESETS}
    return [(PRESETS[name], PRESET_HELP[name], partial(url_state.put, field, text)) for name, text in texts.items()]


def _layer_toggles(field: str, layers: Sequence[str], row: list[bool], number: int, count: int) -> None:
    key = f"{field}-row-{number}"
    st.session_state[key] = [name for name, on in zip(layers, row, strict=True) if on]
    last = " and later" if number == count - 1 else ""
    label = "Layers updated at every step" if count == 1 else f"Step {number + 1}{last}"
    st.segmented_control(
        label, list(layers), selection_mode="multi", width="stretch", wrap=False, key=key,
        on_change=_rows_taken, args=(field, tuple(layers), count),
    )  # fmt: skip


def _rows_taken(field: str, layers: tuple[str, ...], count: int) -> None:
    chosen = [set(st.session_state[f"{field}-row-{number}"]) for number in range(count)]
    url_state.put(field, str(LambdaPattern.from_matrix([[name in row for name in layers] for row in chosen])))


def _grid_toggled(field: str, key: str, first_row: str) -> None:
    opened = st.session_state[key]
    url_state.put("grid", opened)
    if not opened:
        url_state.put(field, first_row)


def pattern_text(field: str, layers: Sequence[str], pattern: LambdaPattern) -> None:
    """The pattern as text, to read, copy and type; a wrong text gets its sentence."""
    key = f"{field}-text"
    st.session_state[key] = str(pattern)
    st.text_input(
        "As text", key=key, on_change=_text_taken, args=(field, key, len(layers)), max_chars=400, help=_TEXT_HELP
    )
    if fault := st.session_state.pop(f"{field}-fault", None):
        st.error(fault, icon=":material/edit_off:")


_TEXT_HELP = (
    "One row of 0 and 1 a step, rows joined by “/”; the last row repeats. maml, anil, boil and none are known too."
)


def _text_taken(field: str, key: str, layers: int) -> None:
    try:
        url_state.put(field, str(LambdaPattern.parse(st.session_state[key], layers)))
    except PatternError as error:
        st.session_state[f"{field}-fault"] = sentence_of(error)


def copy_link() -> None:
    with st.popover("Link", icon=":material/link:", help="A link to exactly this view"):
        st.caption("Everything visible is in the address: copy it, send it, same picture.")
        st.code(url_state.link(), language=None, wrap_lines=True)


def sentence_of(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
