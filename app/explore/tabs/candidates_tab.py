"""The tab of all candidates, to filter, sort and download."""

from __future__ import annotations

import io
from functools import partial

import pandas as pd
import streamlit as st

from app.explore import neighbours
from app.shared import url_state

VERDICTS = ("pass", "undecided", "fail")


KEY = "candidates"


def show(table: pd.DataFrame, current: pd.Series | None, study: str) -> None:
    """A row that is selected becomes the current candidate; the current one's row is selected.

    table: as `Comparison.table` makes it. current: a row of it. study: its name, for the files' names.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.pills("Verdict", VERDICTS, selection_mode="multi", **url_state.bound("verdicts"))
        part = "such as 0001"
        st.text_input("Pattern contains", placeholder=part, max_chars=40, **url_state.bound("contains"))
        st.checkbox("Front only", **url_state.bound("front"))
    kept = _filtered(table)
    _select(kept, current)
    st.dataframe(
        _columns(kept),
        hide_index=True,
        column_config=_COLUMN_CONFIG,
        height=380,
        alt="All candidates",
        key=KEY,
        on_select=partial(_take_selected, kept),
        selection_mode="single-row",
    )
    st.caption(
        f"{len(kept)} of {len(table)} candidates. Validation classes; a click on a column's head sorts, a row's box "
        "makes it the current pattern."
    )
    with st.container(horizontal=True):
        icon = ":material/download:"
        name = f"{study}-candidates"
        st.download_button(
            "CSV", lambda: kept.to_csv(index=False), f"{name}.csv", "text/csv", icon=icon, on_click="ignore"
        )
        st.download_button("Parquet", lambda: _parquet(kept), f"{name}.parquet", icon=icon, on_click="ignore")


def _select(kept: pd.DataFrame, current: pd.Series | None) -> None:
    """Select the current candidate's row, and no other."""
    names = ["pattern", "steps", "lr"]
    same = None if current is None else (kept[names] == current[names]).all(axis=1)
    rows = [] if same is None else [int(row) for row in same.to_numpy().nonzero()[0]]
    shown = st.session_state.get(KEY)
    if shown is None or list(shown["selection"]["rows"]) != rows:
        st.session_state[KEY] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def _take_selected(kept: pd.DataFrame) -> None:
    rows = st.session_state[KEY]["selection"]["rows"]
    if rows and rows[0] < len(kept):
        neighbours.take(kept.iloc[rows[0]])


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    kept = table["verdict"].isin(url_state.value("verdicts") or VERDICTS)
    kept &= table["pattern"].str.contains(url_state.value("contains") or "", regex=False)
    kept &= table["on_front"] | (not url_state.value("front"))
    return table[kept].reset_index(drop=True)


def _columns(table: pd.DataFrame) -> pd.DataFrame:
    shown = table[list(_COLUMN_CONFIG)].copy()
    shown["accuracy"] *= 100
    shown["speed_up"] = shown["speed_up"].replace(float("inf"), float("nan"))  # no adaptation at all: left blank
    shown["multiply_adds"] = shown["multiply_adds"] / 1e6
    shown["peak_bytes"] = shown["peak_bytes"] / 1e3
    return shown


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


_number = st.column_config.NumberColumn
_COLUMN_CONFIG = {
    "pattern": st.column_config.TextColumn("Pattern"),
    "steps": _number("Steps"),
    "lr": _number("Step size", format="%.3g"),
    "verdict": st.column_config.TextColumn("Verdict"),
    "speed_up": _number("Speed-up", format="%.1f×"),
    "accuracy": _number("Accuracy", format="%.2f %%"),
    "degradation": _number("Points lost", format="%.2f", help="accuracy of the full pattern minus this one's"),
    "degradation_low": _number("at least", format="%.2f", help="bound that holds for all candidates at once"),
    "degradation_high": _number("at most", format="%.2f", help="bound that holds for all candidates at once"),
    "differing": _number("Episodes that differ", help="from the full pattern's accuracy"),
    "p_adjusted": _number("p, corrected", format="%.3g", help="Bonferroni, over all candidates; valid at any time"),
    "milliseconds": _number("Time", format="%.2f ms"),
    "multiply_adds": _number("Multiply-adds", format="%.1f M"),
    "peak_bytes": _number("Memory", format="%.0f kB", help="what lives at most; blank: not counted"),
    "on_front": st.column_config.CheckboxColumn("Front"),
    "on_memory_front": st.column_config.CheckboxColumn(
        "Front with memory", help="no other is as fast, as accurate and as small"
    ),
}
