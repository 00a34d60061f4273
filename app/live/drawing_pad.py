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
from numpy.typing import NDArray
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


def drawing_pad(label: str, key: str, size: int, ink: int) -> NDArray[np.uint8] | None:
    """What is drawn on the pad: (size, size) uint8, light on dark; None while it is empty.

    size, ink: pixels, of the pad's side and of its pen. A drawing stays while other pages are looked at.
    """
    drawings: dict[str, str] = st.session_state.setdefault("_drawings", {})
    data = {"size": size, "ink": ink, "label": label, "picture": drawings.get(key, "")}
    made = _component()(key=key, data=data, on_picture_change=lambda: None, width="content", height="content")
    sent = made.get("picture")
    if sent is not None:  # None: not touched since it was put on this page
        drawings[key] = sent
    return read_drawing(drawings.get(key, ""), size)


def read_drawing(text: str, size: int) -> NDArray[np.uint8] | None:
    """A pad's data URL as grey values; None where it is empty or is no such picture."""
    if not isinstance(text, str) or not text.startswith(HEADER) or len(text) > LONGEST:
        return None
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(text[len(HEADER) :], validate=True)), formats=["PNG"])
        grey = np.asarray(picture.convert("L")) if picture.size == (size, size) else None
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError):
        return None
    return grey


def centred(grey: NDArray[np.uint8], size: int, channels: int) -> list[NDArray[np.uint8]]:
    """A drawing (H, W), light on dark → one (size, size, channels) uint8, cut to its ink and centred as glyphs are.

    An empty pad gives none.
    """
    rows, columns = (np.flatnonzero((grey > 100).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return []
    cut = Image.fromarray(grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    cut.thumbnail((round(size * 0.72),) * 2, Image.Resampling.LANCZOS)
    paper = Image.new("L", (size, size))
    paper.paste(cut, ((size - cut.width) // 2, (size - cut.height) // 2))
    return [np.repeat(np.asarray(paper)[..., None], channels, axis=2)]
