"""A verdict as a badge: told by sign and word, not by colour alone."""

from __future__ import annotations

from typing import Literal

import streamlit as st

ICONS = {"pass": ":material/check_circle:", "undecided": ":material/pending:", "fail": ":material/change_history:"}
COLORS: dict[str, Literal["green", "orange", "red"]] = {"pass": "green", "undecided": "orange", "fail": "red"}


def verdict_badge(verdict: str, text: str) -> None:
    """verdict: pass, undecided or fail."""
    st.badge(text, icon=ICONS[verdict], color=COLORS[verdict])
