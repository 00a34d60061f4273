"""A pattern to edit: toggles for each layer, presets, and its text; every change goes to the field that holds it.

A layer has three states: off, on, and on with scale and shift alone, which a second row of toggles says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from app.shared import page, url_state
from lambda_core.errors import PatternError
from lambda_core.patterns import LambdaPattern, Row, Update

Button = tuple[str, str, Callable[[], None]]  # label, help, what a click does

ONE_ROW = 8  # layers that fit side by side
PRESETS = {
    "maml": ("MAML", "all layers, at every step"),
    "anil": ("ANIL", "only the head"),
    "boil": ("BOIL", "all layers but the head"),
}
FINER = {"norm": ("LN-Tune", "scale and shift of all layers, and the head")}


def pattern_of(field: str, layers: Sequence[str], fallback: str) -> LambdaPattern:
    """The pattern a field holds; one that does not fit the backbone is dropped with a notice."""
    try:
        return LambdaPattern.parse(url_state.value(field) or fallback, len(layers))
    except PatternError as error:
        url_state.reject(field, f"{page.sentence_of(error)} Shown instead: {fallback}.")
        page.show_notices()
        return LambdaPattern.parse(fallback, len(layers))


def steps_of(fallback: int, most: int) -> int:
    """The inner steps that the address asks for, if they were measured."""
    asked: int | None = url_state.value("steps")
    if asked is not None and asked > most:
        why = f"This study was measured for at most {most} steps, not {asked}; shown instead: {fallback}."
        url_state.reject("steps", why)
        page.show_notices()
        return fallback
    return fallback if asked is None else asked


def pattern_editor(field: str, layers: Sequence[str], pattern: LambdaPattern, steps: int, *more: Button) -> None:
    """Toggles for each layer, in the order of the network; with the grid open, one row of them a step.

    more: presets beside MAML, ANIL and BOIL.
    """
    by_step = url_state.value("grid") or not pattern.is_per_layer
    finer = url_state.value("finer") or pattern.is_finer
    rows = pattern.rows_for(max(steps, 1) if by_step else 1)
    if len(layers) > ONE_ROW and len(rows) == 1:
        _last_layers(field, rows[0])
    for number in range(len(rows)):
        _layer_toggles(field, layers, rows, number)
        if finer:
            _scale_toggles(field, layers, rows, number)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for label, help_text, put in (*_presets(field, layers, finer=finer), *more):
            st.button(label, key=f"{field}-{label}", help=help_text, on_click=put)
        per_layer = partial(_put_per_layer, field, str(pattern.first(1)))
        tied = url_state.bound("grid", by_step, key=f"{field}-grid", then=per_layer)
        st.toggle("By step", help="Different layers at each step", **tied)
        whole = partial(_put_whole_layers, field, pattern)
        tied = url_state.bound("finer", finer, key=f"{field}-finer", then=whole)
        st.toggle("Finer", help="Scale and shift of a layer alone, without its filters", **tied)


def _last_layers(field: str, row: Row) -> None:
    """Of many layers the last are those that are mostly updated: how many, at one stroke."""
    count = len(row)
    last = next((number for number, update in enumerate(reversed(row)) if update != Update.ALL), count)
    names = ["none", *(f"last{number}" for number in range(1, count + 1))]
    tied = url_state.bound(
        field, last, key=f"{field}-last", convert=lambda last: str(LambdaPattern.named(names[last], count))
    )
    st.slider("Only the last layers: how many", 0, count, **tied)


def _presets(field: str, layers: Sequence[str], *, finer: bool) -> list[Button]:
    presets = PRESETS | FINER if finer else PRESETS
    patterns = {name: str(LambdaPattern.named(name, len(layers))) for name in presets}
    return [(*presets[name], partial(url_state.put, **{field: text})) for name, text in patterns.items()]


def _put_per_layer(field: str, first_row: str, opened: bool) -> None:
    """Closing the grid leaves the first step's layers for every step."""
    if not opened:
        url_state.put(**{field: first_row})


def _put_whole_layers(field: str, pattern: LambdaPattern, opened: bool) -> None:
    """Closing the second row updates whole layers again."""
    if not opened:
        url_state.put(**{field: str(LambdaPattern.from_matrix([[bool(each) for each in row] for row in pattern.rows]))})


def _layer_toggles(field: str, layers: Sequence[str], rows: list[Row], number: int) -> None:
    count = len(rows)
    last = " and later" if number == count - 1 else ""
    tied = url_state.bound(
        field,
        [name for name, update in zip(layers, rows[number], strict=True) if update],
        key=_row_key(field, number),
        convert=lambda _: _rows_as_text(field, layers, count),
    )
    st.segmented_control(
        "Layers updated at every step" if count == 1 else f"Step {number + 1}{last}",
        list(layers),
        selection_mode="multi",
        width="stretch",
        wrap=len(layers) > ONE_ROW,  # so that none is out of sight, the last layers least
        **tied,
    )


def _scale_toggles(field: str, layers: Sequence[str], rows: list[Row], number: int) -> None:
    tied = url_state.bound(
        field,
        [name for name, update in zip(layers, rows[number], strict=True) if update == Update.SCALES],
        key=_scales_key(field, number),
        convert=lambda _: _rows_as_text(field, layers, len(rows), scales_first=True),
    )
    st.segmented_control(
        "of these, scale and shift alone",
        list(layers),
        selection_mode="multi",
        width="stretch",
        wrap=len(layers) > ONE_ROW,
        **tied,
    )


def _rows_as_text(field: str, layers: Sequence[str], count: int, *, scales_first: bool = False) -> str:
    """The pattern that all rows show together. scales_first: scale and shift of a layer that is off turn it on."""

    def update(name: str, number: int) -> Update:
        is_on = name in st.session_state[_row_key(field, number)]
        in_part = name in st.session_state.get(_scales_key(field, number), ())
        if not (is_on or (in_part and scales_first)):
            return Update.NOTHING
        return Update.SCALES if in_part else Update.ALL

    return str(LambdaPattern.from_matrix([[update(name, number) for name in layers] for number in range(count)]))


def _row_key(field: str, number: int) -> str:
    return f"{field}-row-{number}"


def _scales_key(field: str, number: int) -> str:
    return f"{field}-scales-{number}"


def pattern_text(field: str, layers: Sequence[str], pattern: LambdaPattern) -> None:
    """The pattern as text, to read, copy and type; a wrong text gets its sentence."""
    key = f"{field}-text"
    tied = url_state.bound(
        field, str(pattern), key=key, convert=lambda text: str(LambdaPattern.parse(text, len(layers)))
    )
    st.text_input("As text", max_chars=400, help=_TEXT_HELP, **tied)
    if error := url_state.refusal(key):
        st.error(page.sentence_of(error), icon=":material/edit_off:")


_TEXT_HELP = (
    "One row of digits a step, rows joined by “/”; the last row repeats. 1 updates a layer, n its scale and shift "
    "alone. maml, anil, boil, norm, last2, … and none are known too."
)
