"""A pattern to edit: toggles for each layer, presets, and its text; every change goes to the field that holds it.

A layer is off or on; where scale and shift alone are asked for, it has three states, 0, n and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from app.figures.lamps import steps_map
from app.shared import page, url_state
from lambda_core.errors import PatternError
from lambda_core.patterns import LambdaPattern, Row, Update
from lambda_core.studies import Study

Button = tuple[str, str, Callable[[], None]]  # label, help, what a click does

ONE_ROW = 8  # layers that fit side by side
PRESETS = {
    "maml": ("MAML", "all layers, at every step"),
    "anil": ("ANIL", "only the head"),
    "boil": ("BOIL", "all layers but the head"),
}
FINER = {"norm": ("LN-Tune", "scale and shift of all layers, and the head")}
STATES = "0 frozen · n scale and shift alone · 1 all of the layer"
ORDER = (Update.NOTHING, Update.SCALES, Update.ALL)


@dataclass(frozen=True)
class Finer:
    """The third state of layers. layers: names of those that have it. measured: patterns with it were measured."""

    layers: tuple[str, ...] = ()
    measured: bool = False

    @classmethod
    def of(cls, study: Study) -> Finer:
        """What a study's network and its tables offer."""
        return cls(study.layers_with_scales, study.has_finer_patterns)

    def in_all_of(self, layers: Sequence[str]) -> bool:
        """Whether all of them have it."""
        return set(layers) <= set(self.layers)


NO_LAYER = Finer()


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


def pattern_editor(
    field: str, layers: Sequence[str], pattern: LambdaPattern, steps: int, *more: Button, finer: Finer = NO_LAYER
) -> None:
    """Toggles for each layer, in the order of the network; with the grid open, one row of them a step. Of many layers
    one step's are shown at a time, below a map of all steps.

    more: presets beside MAML, ANIL and BOIL. finer: which layers have a third state, and whether it is seen unasked.
    """
    by_step = url_state.value("grid") or not pattern.is_per_layer
    asked: bool | None = url_state.value("finer")
    three = pattern.is_finer or (finer.measured if asked is None else asked)
    rows = pattern.rows_for(max(steps, 1) if by_step else 1)
    shown = list(range(len(rows)))
    if len(layers) > ONE_ROW:
        shown = [_step_edited(field, layers, rows)]
        _last_layers(field, rows, shown[0])
    for number in shown:
        if three:
            _states(field, layers, rows, number, finer, shown)
        else:
            _layer_toggles(field, layers, rows, number, shown)
    if three:
        st.caption(STATES)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for label, help_text, put in (*_presets(field, layers, finer=three and finer.in_all_of(layers[:-1])), *more):
            st.button(label, key=f"{field}-{label}", help=help_text, on_click=put)
        per_layer = partial(_put_per_layer, field, str(pattern.first(1)))
        tied = url_state.bound("grid", by_step, key=f"{field}-grid", then=per_layer)
        st.toggle("By step", help="Different layers at each step", **tied)
        whole = partial(_put_whole_layers, field, pattern)
        tied = url_state.bound("finer", three, key=f"{field}-finer", then=whole)
        if finer.layers or three:
            st.toggle("Finer", help="Scale and shift of a layer alone, without its filters", **tied)


def _step_edited(field: str, layers: Sequence[str], rows: list[Row]) -> int:
    """The step whose layers can be switched, from 0."""
    if len(rows) == 1:
        return 0
    key = f"{field}-edited"
    st.session_state[key] = min(st.session_state.get(key, 1), len(rows))
    st.html(steps_map(layers, rows, st.session_state[key]))
    st.segmented_control("Step to edit", range(1, len(rows) + 1), key=key, required=True, wrap=True)
    return int(st.session_state[key]) - 1


def _last_layers(field: str, rows: list[Row], number: int) -> None:
    """Of many layers the last are those that are mostly updated: how many, at one stroke."""
    row, count = rows[number], len(rows[number])
    last = next((number for number, update in enumerate(reversed(row)) if update != Update.ALL), count)
    names = ["none", *(f"last{number}" for number in range(1, count + 1))]

    def pattern(last: int) -> str:
        return _with_rows(rows, {number: LambdaPattern.named(names[last], count).rows[0]})

    where = "" if len(rows) == 1 else f" in step {number + 1}"
    tied = url_state.bound(field, last, key=f"{field}-last", convert=pattern)
    st.slider(f"Only the last layers{where}: how many", 0, count, **tied)


def _with_rows(rows: list[Row], changed: dict[int, Row]) -> str:
    """The pattern of all rows, some of them changed: of many layers not all rows are shown."""
    return str(LambdaPattern.from_matrix([changed.get(number, row) for number, row in enumerate(rows)]))


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


def _layer_toggles(field: str, layers: Sequence[str], rows: list[Row], number: int, shown: list[int]) -> None:
    count = len(rows)
    last = " and later" if number == count - 1 else ""
    tied = url_state.bound(
        field,
        [name for name, update in zip(layers, rows[number], strict=True) if update],
        key=_row_key(field, number),
        convert=lambda _: _rows_as_text(field, layers, rows, shown),
    )
    st.segmented_control(
        "Layers updated at every step" if count == 1 else f"Step {number + 1}{last}",
        list(layers),
        selection_mode="multi",
        width="stretch",
        wrap=len(layers) > ONE_ROW,  # so that none is out of sight, the last layers least
        **tied,
    )


def _states(field: str, layers: Sequence[str], rows: list[Row], number: int, finer: Finer, shown: list[int]) -> None:
    """A choice of 0, n and 1 for each layer; without n where a layer has neither scale nor shift."""
    step = "" if len(rows) == 1 else f" · step {number + 1}{'+' if number == len(rows) - 1 else ''}"
    with st.container(horizontal=True, gap="small", key=_states_key(field, number)):
        for name, update in zip(layers, rows[number], strict=True):
            offered = [each for each in ORDER if each != Update.SCALES or name in finer.layers or update == each]
            tied = url_state.bound(
                field,
                update.digit,
                key=_state_key(field, number, name),
                convert=lambda _: _states_as_text(field, layers, rows, shown),
            )
            st.segmented_control(f"{name}{step}", [each.digit for each in offered], required=True, **tied)


def _states_as_text(field: str, layers: Sequence[str], rows: list[Row], shown: list[int]) -> str:
    """The pattern that the choices of all layers make together with the rows that are not shown."""

    def row(number: int) -> Row:
        return tuple(Update.of_digit(st.session_state[_state_key(field, number, name)]) for name in layers)

    return _with_rows(rows, {number: row(number) for number in shown})


def _rows_as_text(field: str, layers: Sequence[str], rows: list[Row], shown: list[int]) -> str:
    """The pattern that the rows of toggles make together with those that are not shown."""

    def row(number: int) -> Row:
        chosen = st.session_state[_row_key(field, number)]
        return tuple(Update.ALL if name in chosen else Update.NOTHING for name in layers)

    return _with_rows(rows, {number: row(number) for number in shown})


def _row_key(field: str, number: int) -> str:
    return f"{field}-row-{number}"


def _states_key(field: str, number: int) -> str:
    return f"{field}-states-{number}"


def _state_key(field: str, number: int, layer: str) -> str:
    return f"{field}-state-{number}-{layer}"


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
