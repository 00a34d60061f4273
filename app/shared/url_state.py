"""What is on the screen, in the address: every control's value is a query parameter, so a copied link shows the same.

`read_address` once at the start of a run, `value` / `bound` / `put` in between, `write_address` at the end. Values that
equal their default stay out of the address. An address that comes from elsewhere (a link, the back button) wins over
what was on the screen; a damaged value in it falls back to the default, with a notice. An older address of this
module's own, sent along by a click that was quicker than the browser's address bar, does not.

`bound` is the only way from a control to the address.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.shared.url_fields import FIELDS, format_value
from lambda_core.errors import LambdaError

FRONT = ""  # the front page's path
MARK = "race"  # the field that its addresses hold, beside any other
KEPT = 12  # addresses of ours that may still be on their way
IN_FLIGHT = 2.0  # seconds for which a browser may not yet know what a control shows now


def read_address(page: str) -> None:
    """Take over what the address says, unless it is what an earlier run wrote there."""
    memory = st.session_state
    given = st.query_params.to_dict()
    turned = memory.get("_page") not in (None, page)
    memory["_page"], memory["_turned"], memory["_notices"] = page, turned, []
    by_control = memory.pop("_touched", False)
    if "_values" not in memory:
        memory["_values"] = _parsed(given)
    elif turned and not given:
        _mark(page)
        memory.setdefault("_bare", {})[page] = _texts()
        memory["_left_bare"] = None
    elif turned or _by_back_button() or (not by_control and _came_from_elsewhere(given)):
        _go_to(page, given)
    _mark(page)
    memory["_touched"] = False


def _mark(page: str) -> None:
    """The front page's own addresses are told from links to Explore, which once lay at the root too."""
    values = st.session_state["_values"]
    values[MARK] = page == FRONT and any(name != MARK for name in _texts())


def is_older_link(page: str) -> bool:
    """Whether a visitor just came by a link to Explore from before there was a front page. Before `read_address`."""
    first = "_values" not in st.session_state
    return first and page == FRONT and MARK not in st.query_params and len(st.query_params) > 0


def _came_from_elsewhere(given: dict[str, str]) -> bool:
    """Whether an address without a changed control is more than one of ours that was still on its way.

    A rerun that the browser asked for before it had heard of the last address brings an older one.
    """
    written: list[dict[str, str]] = st.session_state.get("_written", [])
    return given not in written


def _by_back_button() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _go_to(page: str, given: dict[str, str]) -> None:
    """Show what an address says. A page that was turned to had a bare address at first: it stands for what was then on
    the screen, and stays bare, or the back button would never get past it."""
    memory = st.session_state
    bare = memory.get("_bare", {}).get(page) if not given else None
    memory["_values"] = _parsed(given if bare is None else bare)
    memory["_left_bare"] = bare


def write_address() -> None:
    """Put every value that is not its default into the address."""
    memory, texts = st.session_state, _texts()
    memory["_touched"] = False
    present = st.query_params.to_dict()
    if texts == memory.get("_left_bare") and not present:
        texts = present
    written = memory.get("_written", [])
    if not written or texts != written[-1]:
        memory["_written"] = [*written, texts][-KEPT:]
    if texts != present:
        st.query_params.from_dict(texts)  # last: a newer click may end this run right here


def rerun() -> None:
    """Run the page anew. The address goes first: a new run starts from the one that was there when it was asked for."""
    write_address()
    st.rerun()


def link(**but: Any) -> str:
    """The whole address of the present view, with some fields at other values."""
    base = (st.context.url or "").split("?")[0]
    return f"{base}?{format_address(_texts(**but))}"


def format_address(texts: dict[str, str]) -> str:
    """What follows the question mark."""
    return urlencode(texts, safe="/,")


def value(name: str) -> Any:
    """The present value of a field; of the field's own type, see FIELDS."""
    return st.session_state["_values"][name]


def put(**values: Any) -> None:
    """Set fields. A number is kept as the address writes it, so that the link to it shows the same."""
    st.session_state["_touched"] = True
    for name, new in values.items():
        st.session_state["_values"][name] = float(format_value(new)) if isinstance(new, float) else new


def bound(
    name: str,
    shown: Any = None,
    *,
    key: str = "",
    convert: Callable[[Any], Any] | None = None,
    then: Callable[[Any], None] | None = None,
) -> dict[str, Any]:
    """Arguments that tie a control to a field: `st.slider("Steps", 0, 10, **bound("steps"))`.

    shown: what the control shows, where that is not the field's own value (it is None, or does not fit here).
    key: of the control, `NAME-control` if left out. convert: what the control gives → the field's value, where the
    field does not know it by itself; a LambdaError that it raises leaves the field as it was, see `refusal`.
    then: called with the new value once it is set.
    """
    key = key or f"{name}-control"
    own = FIELDS[name].blank if value(name) is None else value(name)
    _show(key, own if shown is None else shown)
    return {"key": key, "on_change": _take, "args": (name, key, convert or FIELDS[name].taken, then)}


def _show(key: str, new: Any) -> None:
    """Set what a control shows, and remember what it showed where that was something else."""
    memory = st.session_state
    if key in memory and memory[key] == new:
        return  # set anew, it would overwrite what the visitor does meanwhile
    if key in memory and not memory["_turned"]:  # of another page's control the browser no longer tells
        memory.setdefault("_replaced", []).append((key, memory[key], time.monotonic()))
    memory[key] = new


def _is_stale(key: str) -> bool:
    """Whether a control sends what it showed a moment ago: the browser had not yet heard that another control had
    changed this one. Taken for a visitor's wish, it would undo that."""
    recent = time.monotonic() - IN_FLIGHT
    replaced = [entry for entry in st.session_state.get("_replaced", []) if entry[2] > recent]
    st.session_state["_replaced"] = replaced
    return any(of == key and shown == st.session_state[key] for of, shown, _ in replaced)


def _take(name: str, key: str, convert: Callable[[Any], Any], then: Callable[[Any], None] | None) -> None:
    if _is_stale(key):
        return
    try:
        new = convert(st.session_state[key])
    except LambdaError as error:
        st.session_state[f"{key}-refused"] = error
        return
    put(**{name: new})
    if then is not None:
        then(new)


def refusal(key: str) -> LambdaError | None:
    """Why the last thing given to this control was not taken; told once."""
    error: LambdaError | None = st.session_state.pop(f"{key}-refused", None)
    return error


def reject(name: str, why: str) -> None:
    """Drop a value that reads well but fits nothing here, and say so."""
    put(**{name: FIELDS[name].default})
    notify(why)


def notify(sentence: str) -> None:
    """Add a sentence to what `take_notices` gives next."""
    st.session_state["_notices"].append(sentence)


def take_notices() -> list[str]:
    """The notices since the last call; each is told once."""
    notices: list[str] = st.session_state["_notices"]
    st.session_state["_notices"] = []
    return notices


def _texts(**but: Any) -> dict[str, str]:
    values = st.session_state["_values"] | but
    return {name: format_value(values[name]) for name, field in FIELDS.items() if values[name] != field.default}


def _parsed(given: dict[str, str]) -> dict[str, Any]:
    values = {name: field.default for name, field in FIELDS.items()}
    for name, text in given.items():
        if name not in FIELDS:
            notify(f"The address has a part that is not known here, “{name[:30]}”; it was left out.")
            continue
        try:
            values[name] = FIELDS[name].read(text)
        except ValueError:
            right, instead = FIELDS[name].right, _instead(FIELDS[name].default)
            notify(f"“{text[:40]}” in the address is no right {name}: it should be {right}. {instead}")
    return values


def _instead(default: Any) -> str:
    return "It was left out." if default is None else f"Shown instead: {format_value(default)}."
