"""A pad to draw one symbol on: a small component of our own.

A ready-made one floats its tool bar over the pad, unseen until the pointer rests there: a stroke that began under it
pressed undo or reset instead, and was lost.
"""

from __future__ import annotations

import base64
import binascii
import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, UnidentifiedImageError

ASSETS = Path(__file__).parents[1] / "assets"
HTML = '<div class="pad"><canvas role="img"></canvas><button type="button">Clear</button></div>'
HEADER = "data:image/png;base64,"
LONGEST = 400_000  # characters that a drawing's PNG may take


@cache
def _component() -> Any:
    # needs a running server: not to be had at import
    script, style = ((ASSETS / f"drawing_pad.{kind}").read_text() for kind in ("js", "css"))
    return st.components.v2.component("lambda_lab_pad", html=HTML, css=style, js=script)


def pad(label: str, key: str, size: int, ink: int) -> np.ndarray | None:
    """What is drawn on the pad: (size, size) uint8, light on dark; None while it is empty.

    size, ink: pixels, of the pad's side and of its pen. A drawing stays while other pages are looked at.
    """
    kept = st.session_state.setdefault("_drawings", {})
    data = {"size": size, "ink": ink, "label": label, "picture": kept.get(key, "")}
    made = _component()(key=key, data=data, on_picture_change=lambda: None, width="content", height="content")
    sent = made.get("picture")
    if sent is not None:  # None: not touched since it was put on this page
        kept[key] = sent
    return read_drawing(kept.get(key, ""), size)


def read_drawing(text: str, size: int) -> np.ndarray | None:
    """A pad's data URL as grey values; None where it is empty or is no such picture."""
    if not isinstance(text, str) or not text.startswith(HEADER) or len(text) > LONGEST:
        return None
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(text[len(HEADER) :], validate=True)), formats=["PNG"])
        grey = np.asarray(picture.convert("L")) if picture.size == (size, size) else None
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError):
        return None
    return grey
