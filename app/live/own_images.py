"""Live on images of one's own: uploaded, photographed or drawn. Queries come one at a time: support statistics."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.live import camera, drawing_pad
from app.shared import study_cache, url_state
from lambda_core.data import SUFFIXES, read_picture
from lambda_core.studies import Study

if TYPE_CHECKING:
    from lambda_core.episodes import Episode

Images = list[NDArray[np.uint8]]  # of (size, size, channels)
MOST_IMAGES = 10  # a class
MOST_QUERIES = 24
PAD, INK = 168, 13  # pixels: side of a drawing pad, width of its pen
CHARACTERS = ("glyphs", "omniglot")


class Upload(io.BytesIO):
    """An uploaded file under its own name, for `read_picture` and its error sentences."""

    def __init__(self, file: Any) -> None:
        super().__init__(file.getvalue())
        self.name = file.name

    def __str__(self) -> str:
        return str(self.name)[:80]


def uploaded(study: Study) -> tuple[Hashable, Episode] | None:
    """(key, episode) of uploaded images; None, with what is still missing said, until there are enough."""
    ways = study.config.ways
    st.markdown(f"Give each of {ways} classes a name and one or a few images, then images to recognise.")
    names, supports = [], []
    for number, column in enumerate(st.columns(ways)):
        with column:
            names.append(_class_name(number))
            files = _uploads(f"Images of class {number + 1}", f"own-support-{number}", label_visibility="collapsed")
            supports.append(_read([*files, *camera.photos_of(number)][:MOST_IMAGES], study))
    files = _uploads("Images to recognise", "own-queries")
    queries = _read([*files, *camera.photos_of(camera.TO_RECOGNISE)][:MOST_QUERIES], study)
    camera.camera(names)
    return _episode_or_hint(names, supports, queries, study, "images of class")


def _class_name(number: int) -> str:
    return st.text_input(f"Class {number + 1}", f"class {number + 1}", max_chars=30, key=f"own-name-{number}")


def _uploads(label: str, key: str, **more: Any) -> list[Any]:
    return list(st.file_uploader(label, SUFFIXES, accept_multiple_files=True, key=key, **more))


def _read(files: list[Any], study: Study) -> Images:
    # any open file with a name will do in place of a path
    return [read_picture(Upload(file), *study.input) for file in files]  # type: ignore[arg-type]


def drawn(study: Study) -> tuple[Hashable, Episode] | None:
    """(key, episode) of drawn characters: one drawing a class, and one to recognise."""
    ways = study.config.ways
    st.markdown(f"Draw {ways} symbols, one a pad. Then draw one of them again, your own way.")
    _suggest_characters(study)
    with st.container(horizontal=True, gap="small"):
        supports = [_pad(f"Symbol {number + 1}", f"pad-{number}", study) for number in range(ways)]
        query = _pad("To recognise", "pad-query", study)
    names = [f"symbol {number + 1}" for number in range(ways)]
    return _episode_or_hint(names, supports, query, study, "symbol")


def _suggest_characters(study: Study) -> None:
    """A network that learned from photographs makes little of strokes: offer one that learned from characters."""
    studies, _ = study_cache.studies()
    better = next((other for other in studies.values() if other.config.dataset in CHARACTERS), None)
    if better and study.config.dataset not in CHARACTERS:
        st.button(
            f"Draw for {better.title}: it learned from characters",
            icon=":material/draw:",
            on_click=url_state.put,
            kwargs={"study": better.name},
        )


def _pad(label: str, key: str, study: Study) -> Images:
    with st.container(key=f"box-{key}", width=PAD):
        st.caption(label)
        drawing = drawing_pad.drawing_pad(label, key, PAD, INK)
    return [] if drawing is None else drawing_pad.centred(drawing, *study.input)


def _episode_or_hint(
    names: list[str], supports: list[Images], queries: Images, study: Study, what: str
) -> tuple[Hashable, Episode] | None:
    missing = [str(number + 1) for number, images in enumerate(supports) if not images]
    if missing:
        st.info(f"Still to come: {what} {', '.join(missing)}.", icon=":material/add_photo_alternate:")
        return None
    if not queries:
        st.info("Now something to recognise.", icon=":material/image_search:")
        return None
    return _key(supports, queries, study), _episode(names, supports, queries)


def _key(supports: list[Images], queries: Images, study: Study) -> str:
    everything = hashlib.sha256(repr([len(images) for images in supports]).encode())
    for image in [*(image for images in supports for image in images), *queries]:
        everything.update(image.tobytes())
    return f"{study.name} {everything.hexdigest()}"


def _episode(names: list[str], supports: list[Images], queries: Images) -> Episode:
    import torch

    from lambda_core.episodes import Episode, as_inputs

    labels = torch.repeat_interleave(torch.arange(len(supports)), torch.tensor([len(images) for images in supports]))
    support = as_inputs(np.stack([image for images in supports for image in images]))
    # label 0 stands in for the queries: nothing that needs the truth is shown
    return Episode(
        support, labels, as_inputs(np.stack(queries)), torch.zeros(len(queries), dtype=torch.long), tuple(names)
    )
