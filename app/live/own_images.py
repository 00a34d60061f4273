"""Live on images of one's own: uploaded, photographed or drawn. Queries come one at a time: support statistics."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable

import numpy as np
import streamlit as st

from app.live import camera, drawing_pad, kept_images, likeness
from app.live.kept_images import Images
from app.shared import adaptation_service, page, study_cache, url_state
from lambda_core.data import Pictures
from lambda_core.studies import Study

MOST_IMAGES = 10  # a class
MOST_QUERIES = 24
MOST_WAYS, IN_A_ROW = 20, 10  # classes
PAD, INK = 168, 13  # pixels: side of a drawing pad, width of its pen
CHARACTERS = ("glyphs", "omniglot")


def uploaded(study: Study) -> tuple[Hashable, Pictures] | None:
    """(key, episode) of uploaded images; None, with what is still missing said, until there are enough."""
    ways = _ways(study)
    st.markdown(f"Give each of {ways} classes a name and one or a few images, then images to recognise.")
    st.caption(f"At most {MOST_IMAGES} a class and {MOST_QUERIES} to recognise: {kept_images.LIMITS}")
    names, supports = [], []
    for number in range(ways):
        if number % IN_A_ROW == 0:
            columns = st.columns(min(ways, IN_A_ROW))
        with columns[number % IN_A_ROW]:
            names.append(_class_name(number))
            place = f"own-support-{number}"
            kept_images.uploader(f"Images of class {number + 1}", place, MOST_IMAGES, label_visibility="collapsed")
            files = [*kept_images.kept_at(place), *camera.photos_of(number)]
            supports.append(kept_images.read(files[:MOST_IMAGES], *study.input))
    kept_images.uploader("Images to recognise", "own-queries", MOST_QUERIES)
    files = [*kept_images.kept_at("own-queries"), *camera.photos_of(camera.TO_RECOGNISE)]
    queries = kept_images.read(files[:MOST_QUERIES], *study.input)
    camera.camera(names)
    if likeness.swap_toggle():
        supports, queries = [likeness.swapped(images) for images in supports], likeness.swapped(queries)
    likeness.show_unlike(study, supports)
    return _episode_or_hint(names, supports, queries, study, "images of class")


def _ways(study: Study) -> int:
    """How many classes: the study's, or as many as asked for, where its head serves any number."""
    own = study.config.ways
    most = max(MOST_WAYS, own)
    wanted = int(
        st.number_input(
            "Classes", 2, most, width=130, **url_state.bound("ways", min(url_state.value("ways") or own, most))
        )
    )
    if wanted == own:
        return own
    if why := adaptation_service.why_not_ways(study, wanted):
        st.info(
            f"{page.sentence_of(why)} Shown instead: {own}. A study whose head is made anew serves any number: "
            "lambda-core start writes one.",
            icon=":material/info:",
        )
        return own
    return wanted


def _class_name(number: int) -> str:
    """Its name as the visitor wrote it, on an earlier visit to this page too."""
    names: dict[int, str] = st.session_state.setdefault("_own_names", {})
    given = st.text_input(
        f"Class {number + 1}", names.get(number, f"class {number + 1}"), max_chars=30, key=f"own-name-{number}"
    )
    names[number] = given
    return given


def drawn(study: Study) -> tuple[Hashable, Pictures] | None:
    """(key, episode) of drawn characters: one drawing a class, and one to recognise."""
    ways = _ways(study)
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
) -> tuple[Hashable, Pictures] | None:
    missing = [str(number + 1) for number, images in enumerate(supports) if not images]
    if missing:
        st.info(f"Still to come: {what} {', '.join(missing)}.", icon=":material/add_photo_alternate:")
        return None
    if not queries:
        st.info("Now something to recognise.", icon=":material/image_search:")
        return None
    return _key(supports, queries, study), _pictures(names, supports, queries)


def _key(supports: list[Images], queries: Images, study: Study) -> str:
    everything = hashlib.sha256(repr([len(images) for images in supports]).encode())
    for image in [*(image for images in supports for image in images), *queries]:
        everything.update(image.tobytes())
    return f"{study.name} {everything.hexdigest()}"


def _pictures(names: list[str], supports: list[Images], queries: Images) -> Pictures:
    labels = np.repeat(np.arange(len(supports)), [len(images) for images in supports])
    support = np.stack([image for images in supports for image in images])
    # label 0 stands in for the queries: nothing that needs the truth is shown
    return Pictures(support, labels, np.stack(queries), np.zeros(len(queries), np.int64), tuple(names))
