"""Images unlike those that a network learned on: said, and dark and light swapped where the visitor asks."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.live.kept_images import Images
from app.shared import url_state
from lambda_core.data import ImageDataset, Looks, looks_of
from lambda_core.studies import Study


def swap_toggle() -> bool:
    """Whether dark and light are swapped."""
    help_text = "For ink on paper shown to a network that learned on white strokes, or the other way round"
    st.toggle("Swap dark and light", help=help_text, **url_state.bound("swapped"))
    return bool(url_state.value("swapped"))


def swapped(images: Images) -> Images:
    return [255 - image for image in images]


def show_unlike(study: Study, supports: list[Images]) -> None:
    """A sentence where one's own images look unlike those of the training."""
    shown = [image for images in supports for image in images]
    if shown and (said := study.unlike_its_training("Your images", Looks.of(np.stack(shown)))):
        st.info(said, icon=":material/contrast:")


def unlike(study: Study, images: ImageDataset) -> str | None:
    """The sentence on a data set, as it is shown."""
    return study.unlike_its_training(f"The images of {images.name}", looks_of(images, ("val", "test")))
