"""The address of the scene as a QR code, so that a class can follow on its phones."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

import streamlit as st

from app.shared import url_state

HERE_ONLY = (None, "localhost", "127.0.0.1", "::1")


def show() -> None:
    """Behind a button; nothing where the app can be reached from its own machine only."""
    address = url_state.link(present=False)
    if urlsplit(address).hostname in HERE_ONLY:
        return
    with st.popover("Phones", icon=":material/qr_code_2:", help="This scene's address as a QR code"):
        st.html(code(address))
        st.code(address, language=None, wrap_lines=True)


def code(address: str) -> str:
    """HTML of the code, dark on white in either theme: that is what cameras expect."""
    import segno

    picture = segno.make(address, error="m").svg_data_uri(scale=8, border=3, dark="#111", light="#fff")
    return f'<img alt="QR code of {escape(address)}" src="{escape(picture)}" style="width:min(20rem,100%)">'
