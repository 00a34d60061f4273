"""What is on the screen, in the address: every control's value is a query parameter, so a copied link shows the same.

`read_address` once at the start of a run, `value` / `bound` / `put` in between, `write_address` at the end. Values that
equal their default stay out of the address. An address that this module did not write itself (a link, the back
button) wins over what was on the screen; a damaged value in it falls back to the default, with a notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

State = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One value of the address: its default, how its text is read (ValueError if damaged), what is right."""

    default: Any
    read: Callable[[str], Any]
    right: str


def format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def number(default: float | None, low: float, high: float) -> Field:
    def read(text: str) -> float:
        if not re.fullmatch(r"[0-9.e-]{1,24}", text) or not low <= float(text) <= high:
            raise ValueError(text)
        return float(text)

    return Field(default, read, f"a number from {low:g} to {high:g}")


def whole(default: int | None, low: int, high: int) -> Field:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return Field(default, read, f"a whole number from {low} to {high}")


def one_of(default: Any, *others: Any) -> Field:
    texts = {format_value(choice): choice for choice in (default, *others)}

    def read(text: str) -> Any:
        if text not in texts:
            raise ValueError(text)
        return texts[text]

    return Field(default, read, "one of " + ", ".join(texts))


def matching(default: str | None, expression: str, right: str) -> Field:
    def read(text: str) -> str:
        if not re.fullmatch(expression, text):
            raise ValueError(text)
        return text

    return Field(default, read, right)


NAME = r"[a-z0-9][a-z0-9-]{0,63}"
PATTERN = r"[01]{1,40}(/[01]{1,40}){0,99}|maml|anil|boil|none"
VERDICT = r"(pass|undecided|fail)"
PATTERN_RIGHT = "a pattern such as 00001 or 11111/00001"

FIELDS: dict[str, Field] = {
    "study": matching(None, NAME, "the name of a study"),
    "pattern": matching(None, PATTERN, PATTERN_RIGHT),  # None: follow the chosen pattern
    "steps": whole(None, 0, 100),
    "lr": number(None, 1e-6, 100.0),
    "threshold": number(1.0, 0.0, 5.0),
    "confidence": one_of(0.95, 0.8, 0.9, 0.99),
    "axis": one_of("milliseconds", "multiply_adds"),
    "timing": matching(None, r"(cpu|cuda)-[0-9]{1,4}", "a timing such as cpu-1"),
    "picture": one_of("svg", "png"),
    "show": one_of("all", "steps", "front"),
    "grid": one_of(False, True),
    "lrs": one_of(False, True),
    "tab": one_of("budget", "first", "table", "steps", "take", "training", "how"),
    "verdicts": matching(None, rf"{VERDICT}(,{VERDICT}){{0,2}}", "verdicts such as pass,undecided"),
    "contains": matching(None, r"[01/]{1,40}", "a part of a pattern such as 0001"),
    "front": one_of(False, True),
    "against": matching("maml", PATTERN, PATTERN_RIGHT),
    "data": matching(None, NAME, "the name of a data set"),
    "split": one_of("test", "val", "train"),
    "seed": whole(7, 0, 999_999),
    "classes": matching(None, r"[0-9]{1,5}(,[0-9]{1,5}){0,99}", "class numbers such as 0,4,7"),
    "at": whole(None, 0, 100),
    "source": one_of("data", "images", "draw"),
    "sine": matching("maml", PATTERN, PATTERN_RIGHT),
    "work": one_of("train", "sweep", "time"),
    "preset": one_of("glyphs-quick", "glyphs", "sinusoid", "cifar-fs-5w1s"),
    "scene": whole(1, 1, 5),
    "present": one_of(False, True),
    "view": one_of("heat", "differences", "first", "transfer"),
    "studies": matching(None, rf"{NAME}(,{NAME}){{0,9}}", "names of studies, joined by commas"),
    "shade": one_of("degradation", "accuracy", "speed_up"),
    "other": matching(None, PATTERN, PATTERN_RIGHT),
}


def read_address(page: str) -> None:
    """Take over what the address says, unless it is what the last run wrote there."""
    memory = st.session_state
    given = st.query_params.to_dict()
    turned = memory.get("_page") not in (None, page)
    memory["_page"], memory["_notices"] = page, []
    if turned and not given:
        return
    if "_values" not in memory or given != memory.get("_written"):
        memory["_values"] = _parsed(given)


def write_address() -> None:
    """Put every value that is not its default into the address."""
    said = _said()
    if said != st.query_params.to_dict():
        st.query_params.from_dict(said)
    st.session_state["_written"] = said


def rerun() -> None:
    """Run the page anew. The address goes first: a new run starts from the one that was there when it was asked for."""
    write_address()
    st.rerun()


def link() -> str:
    """The whole address of the present view."""
    base = (st.context.url or "").split("?")[0]
    return f"{base}?{urlencode(_said(), safe='/,')}"


def _said() -> dict[str, str]:
    values = st.session_state["_values"]
    return {name: format_value(values[name]) for name in FIELDS if values[name] != FIELDS[name].default}


def value(name: str) -> Any:
    return st.session_state["_values"][name]


def put(name: str, new: Any) -> None:
    st.session_state["_values"][name] = new


def bound(name: str, shown: Any = None) -> dict[str, Any]:
    """Arguments that tie a widget to a field: `st.slider("Steps", 0, 10, **bound("steps"))`.

    shown: what the widget shows while the field is None (the value then follows something else).
    """
    key = f"{name}-control"
    current = value(name)
    st.session_state[key] = shown if current is None else current
    return {"key": key, "on_change": _take, "args": (name, key)}


def reject(name: str, why: str) -> None:
    """Drop a value that reads well but fits nothing here, and say so."""
    put(name, FIELDS[name].default)
    notify(why)


def notify(sentence: str) -> None:
    st.session_state["_notices"].append(sentence)


def take_notices() -> list[str]:
    """The notices since the last call; each is told once."""
    told, st.session_state["_notices"] = st.session_state["_notices"], []
    return told


def _take(name: str, key: str) -> None:
    put(name, st.session_state[key])


def _parsed(given: dict[str, str]) -> State:
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
