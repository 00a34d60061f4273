"""Images of one's own, kept as long as the session lasts: by place, whatever other pages are looked at meanwhile.

A visitor's images are bounded in number and in bytes, decoded once each, and never two at a time on one server: a large
photograph takes a few hundred megabytes while it is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.shared import page
from lambda_core.data import LARGEST_PICTURE, SUFFIXES, read_picture
from lambda_core.errors import DataError

Images = list[NDArray[np.uint8]]  # of (size, size, channels)
MOST_BYTES = 100 << 20  # of all files that one visitor keeps
LIMITS = (
    f"PNG, JPEG or WebP, up to {LARGEST_PICTURE // 1_000_000} megapixels each and {MOST_BYTES >> 20} MB together; "
    "they stay on this server for as long as this tab is open."
)
_one_at_a_time = Lock()


@dataclass(frozen=True)
class Kept:
    """An image file of the visitor's. pictures: what was decoded of it, or why it cannot be, by size and channels."""

    name: str
    data: bytes = field(repr=False)
    pictures: dict[tuple[int, int], NDArray[np.uint8] | str] = field(default_factory=dict, compare=False, repr=False)

    def picture(self, size: int, channels: int) -> NDArray[np.uint8]:
        """(size, size, channels) uint8. Raises DataError that names the file."""
        found = self.pictures.get((size, channels))
        if found is None:
            found = self.pictures[size, channels] = self._decoded(size, channels)
        if isinstance(found, str):
            raise DataError(found)
        return found

    def _decoded(self, size: int, channels: int) -> NDArray[np.uint8] | str:
        try:
            with _one_at_a_time:
                # any open file with a name will do in place of a path
                return read_picture(_Opened(self), size, channels)  # type: ignore[arg-type]
        except DataError as error:
            return str(error)


class _Opened(io.BytesIO):
    """A kept file as an open one, under its own name, for `read_picture` and its error sentences."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.data)
        self.name = kept.name

    def __str__(self) -> str:
        return "".join(sign if sign.isprintable() else "?" for sign in self.name[:80])


def kept_at(place: str) -> list[Kept]:
    """What lies at a place, to read; see `keep`."""
    places: dict[str, list[Kept]] = st.session_state.setdefault("_kept_images", {})
    return places.setdefault(place, [])


def keep(place: str, new: Sequence[Kept], most: int) -> None:
    """Add to what lies at a place, at most so many; what finds no room is told by `show_refused`."""
    kept, refused = kept_at(place), []
    for each in new:
        if each in kept:
            continue
        if len(kept) < most and _bytes_kept() + len(each.data) <= MOST_BYTES:
            kept.append(each)
        else:
            refused.append(each.name[:24])
    if refused:
        names = ", ".join(refused[:3]) + (f" and {len(refused) - 3} more" if len(refused) > 3 else "")
        st.session_state[f"{place}-refused"] = (
            f"no room for {names}: {most} images and {MOST_BYTES >> 20} MB are the most"
        )


def _bytes_kept() -> int:
    places: dict[str, list[Kept]] = st.session_state.setdefault("_kept_images", {})
    return sum(len(each.data) for kept in places.values() for each in kept)


def show_refused(place: str) -> None:
    """Once, what `keep` had no room for."""
    if refused := st.session_state.pop(f"{place}-refused", None):
        st.warning(page.sentence_of(DataError(refused)), icon=":material/filter_none:")


def uploader(label: str, place: str, most: int, **more: Any) -> None:
    """Files dropped here are kept at the place; their names stand below, with a way to drop them again."""
    emptied = st.session_state.setdefault("_emptied", 0)  # what was kept is not listed twice
    key = f"{place}-{emptied}"
    asked = (place, key, most)
    st.file_uploader(label, SUFFIXES, accept_multiple_files=True, key=key, on_change=_keep, args=asked, **more)
    show_refused(place)
    if kept := kept_at(place):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(", ".join(each.name[:24] for each in kept))
            st.button("Clear", key=f"{place}-clear", type="tertiary", help=f"Drop {label.lower()}", on_click=kept.clear)


def _keep(place: str, key: str, most: int) -> None:
    keep(place, [Kept(file.name, file.getvalue()) for file in st.session_state[key] or []], most)
    st.session_state["_emptied"] += 1


def read(files: list[Kept], size: int, channels: int) -> Images:
    """Those that can be read; of each other one it says why, where this is called."""
    images = []
    for file in files:
        try:
            images.append(file.picture(size, channels))
        except DataError as error:
            st.error(page.sentence_of(error), icon=":material/broken_image:")
    return images
