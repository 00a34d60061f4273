"""From scene to scene, by click or by arrow key."""

from __future__ import annotations

import streamlit as st

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
            shortcut="Left",
        )
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            on_click=url_state.put,
            kwargs={"scene": number + 1},
            disabled=number == count,
            shortcut="Right",
            type="primary",
        )
        st.caption(f"Scene {number} of {count}")
        only_these = "For the projector: larger type, no controls but these"
        st.toggle("Present", help=only_these, **url_state.bound("present"))
        if not present:
            page.copy_link()
