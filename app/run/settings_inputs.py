"""A form's inputs, made from a config dataclass: one a setting."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

import streamlit as st

from lambda_core.config import Settings, kind

EVERYDAY = ("ways", "shots", "iterations", "episodes", "max_steps", "repeats")


def settings_inputs(config: type[Settings], defaults: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The everyday settings in view, the others folded away; returns what is set, by name.

    defaults: in place of the dataclass's own. prefix: of the inputs' keys.
    """
    items = [item for item in fields(config) if item.default is not MISSING]  # type: ignore[arg-type]
    first = [item for item in items if item.name in EVERYDAY]
    values = {}
    for item, column in zip(first, st.columns(len(first)), strict=True):
        with column:
            values[item.name] = _input(item, defaults.get(item.name, item.default), prefix)
    with st.expander("All settings"):
        for item in items:
            if item not in first:
                values[item.name] = _input(item, defaults.get(item.name, item.default), prefix)
    return values


def _input(item: Field[Any], value: Any, prefix: str) -> Any:
    label, about = item.name.replace("_", " ").capitalize(), item.metadata
    common = {"key": f"{prefix}-{item.name}", "help": about["help"]}
    if kind(item) is bool:
        return st.checkbox(label, value, **common)
    if about["choices"]:
        return st.selectbox(label, about["choices"], about["choices"].index(value), **common)
    if kind(item) is str:
        return st.text_input(label, value, max_chars=200, **common)
    limits = {"min_value": kind(item)(about["low"]), "max_value": kind(item)(about["high"])}
    form = {"step": 1} if kind(item) is int else {"step": value / 10 or 0.1, "format": "%g"}
    return st.number_input(label, value=value, **common, **limits, **form)
