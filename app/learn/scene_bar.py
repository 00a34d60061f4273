"""From scene to scene, by click or by arrow key."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from app.learn import phone_code
from app.shared import page, url_state


def show(number: int, count: int, present: bool) -> None:
    """number: of the scene shown, from 1. present: hides what a projector need not show."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="scene-bar"):
        st.button(
            "Back",
            icon=":material/arrow_back:",
            on_click=url_state.put,
            kwargs={"scene": number - 1},
            disabled=number == 1,
            key="scene-back",
        )
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            on_click=url_state.put,
            kwargs={"scene": number + 1},
            disabled=number == count,
            key="scene-next",
            type="primary",
        )
        st.caption(f"Scene {number} of {count}")
        only_these = "For the projector: the whole screen, large type. Arrow and page keys turn the scenes"
        st.toggle("Present", help=only_these, **url_state.bound("present"))
        if present:
            phone_code.show()
        else:
            page.copy_link()
    _turn_keys()(key="turn-keys")


@cache
def _turn_keys() -> Any:
    # needs a running server: not to be had at import
    script = (Path(__file__).parents[1] / "assets" / "turn_keys.js").read_text(encoding="utf-8")
    return st.components.v2.component("lambda_lab_turn_keys", html="<span></span>", js=script)
