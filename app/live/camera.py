"""Photos taken with the camera, each kept for the class that it was taken of, as long as the session lasts."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.live.kept_images import Kept, keep, kept_at, show_refused

TO_RECOGNISE = -1  # what a photo is of, where it is to be recognised
MOST = 10  # photos of one class


def photos_of(of: int) -> list[Kept]:
    """The photos of a class, by its number, or TO_RECOGNISE."""
    return kept_at(_place(of))


def _place(of: int) -> str:
    return f"photos-{of}"


def camera(names: Sequence[str]) -> None:
    """The camera, folded away until it is wanted."""
    if not st.toggle("Use the camera", key="own-camera"):
        return
    classes = {number: f"{number + 1}: {name}" for number, name in enumerate(names)}
    shown = classes | {TO_RECOGNISE: "what to recognise"}
    left, right = st.columns([1.4, 1], gap="medium")
    with right:
        st.selectbox("The photo shows", list(shown), format_func=shown.__getitem__, key="own-photo-of")
        st.markdown("\n".join(f"- {words}: {_count(len(photos_of(of)))}" for of, words in shown.items()))
        st.button("Forget all photos", icon=":material/delete:", on_click=_forget, args=(list(shown),))
    with left:
        st.camera_input("Take a photo", key="own-shot", on_change=_keep_photo)
        for of in shown:
            show_refused(_place(of))
        st.caption("No picture? Allow the camera in your browser's address bar, or upload files instead.")


def _count(photos: int) -> str:
    return "no photo" if not photos else f"{photos} photo{'s' * (photos > 1)}"


def _keep_photo() -> None:
    shot = st.session_state["own-shot"]
    if shot is not None:  # None: the photo on the screen was cleared to take the next
        of = st.session_state["own-photo-of"]
        keep(_place(of), [Kept(f"photo {len(photos_of(of)) + 1}", shot.getvalue())], MOST)


def _forget(classes: Sequence[int]) -> None:
    for of in classes:
        photos_of(of).clear()
