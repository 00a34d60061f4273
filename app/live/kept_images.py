"""Images of one's own, kept as long as the session lasts: by place, whatever other pages are looked at meanwhile."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.shared import page
from lambda_core.data import SUFFIXES, read_picture
from lambda_core.errors import DataError

Images = list[NDArray[np.uint8]]  # of (size, size, channels)


class Kept(NamedTuple):
    """An image file of the visitor's."""

    name: str
    data: bytes


class _Opened(io.BytesIO):
    """A kept file as an open one, under its own name, for `read_picture` and its error sentences."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.data)
        self.name = kept.name

    def __str__(self) -> str:
        return str(self.name)[:80]


def kept_at(place: str) -> list[Kept]:
    """What lies at a place, to read and to add to."""
    places: dict[str, list[Kept]] = st.session_state.setdefault("_kept_images", {})
    return places.setdefault(place, [])


def uploader(label: str, place: str, **more: Any) -> None:
    """Files dropped here are kept at the place; their names stand below, with a way to drop them again."""
    emptied = st.session_state.setdefault("_emptied", 0)  # what was kept is not listed twice
    key = f"{place}-{emptied}"
    st.file_uploader(label, SUFFIXES, accept_multiple_files=True, key=key, on_change=_keep, args=(place, key), **more)
    if kept := kept_at(place):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(", ".join(each.name[:24] for each in kept))
            st.button("Clear", key=f"{place}-clear", type="tertiary", help=f"Drop {label.lower()}", on_click=kept.clear)


def _keep(place: str, key: str) -> None:
    for file in st.session_state[key] or []:
        new = Kept(file.name, file.getvalue())
        if new not in kept_at(place):
            kept_at(place).append(new)
    st.session_state["_emptied"] += 1


def read(files: list[Kept], size: int, channels: int) -> Images:
    """Those that can be read; of each other one it says why, where this is called."""
    images = []
    for file in files:
        try:
            # any open file with a name will do in place of a path
            images.append(read_picture(_Opened(file), size, channels))  # type: ignore[arg-type]
        except DataError as error:
            st.error(page.sentence_of(error), icon=":material/broken_image:")
    return images
