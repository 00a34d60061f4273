"""Where the episode comes from: a seed or classes of a data set, or images of one's own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import streamlit as st

from app.live import image_grid, likeness, own_images
from app.shared import adaptation_service, page, study_bar, url_state
from lambda_core.data import Pictures
from lambda_core.errors import DataError
from lambda_core.studies import Study

Found = tuple[Hashable, Pictures, str]  # what the episode is made from, the episode, query statistics
SOURCES = {"data": "From a data set", "images": "Your images", "draw": "Draw"}
SPLITS = {"test": "unseen test classes", "val": "validation classes", "train": "training classes"}


def study_and_source() -> tuple[Study, str]:
    """The row at the top: the study, and where its images come from."""
    one, two, three = st.columns([2.2, 1.8, 0.8], gap="medium", vertical_alignment="bottom")
    with one:
        at_hand = adaptation_service.available_data_sets()
        study = study_bar.study_picker(lambda study: at_home(study, at_hand))
    with two:
        page.choice("Images", SOURCES, "source")
    with three.container(horizontal=True, horizontal_alignment="right", gap="small"):
        page.copy_link()
    return study, url_state.value("source")


def show_no_images(study: Study) -> None:
    """What there is to see of a study whose episodes are curves."""
    st.info(f"{study.title} adapts curves, not images: the Learn page shows it.", icon=":material/show_chart:")
    study_bar.show_training(study)


def find_episode(study: Study, source: str) -> Found | None:
    """The episode to adapt to; None while images of one's own are still missing."""
    if source == "data":
        return _from_data(study)
    found = own_images.uploaded(study) if source == "images" else own_images.drawn(study)
    return found and (*found, "support")


def _from_data(study: Study) -> Found:
    one, two, three, _ = st.columns([1, 1, 1, 1.8], gap="medium", vertical_alignment="bottom")
    with one:
        st.number_input("Episode (seed)", 0, 999_999, step=1, **url_state.bound("seed"))
    with two:
        st.button("New episode", icon=":material/refresh:", on_click=page.next_seed, width="stretch")
    with three, st.popover("Which classes", icon=":material/photo_library:", width="stretch"):
        data = _data_picker(study)
        st.selectbox("Classes from", list(SPLITS), format_func=SPLITS.__getitem__, **url_state.bound("split"))
        classes = _classes(study, data, url_state.value("split"))
        swapped = likeness.swap_toggle()
    if data != study.dataset:
        st.info(_foreign(study, data), icon=":material/info:")
    key = (data, url_state.value("split"), url_state.value("seed"), classes, swapped)
    return key, adaptation_service.episode(*key, study), study.config.query_statistics


def at_home(study: Study, at_hand: Sequence[str]) -> bool:
    """Whether images like those of the study's training are at hand."""
    return study.dataset in at_hand and study.metadata.domain is None


def _data_picker(study: Study) -> str:
    """The study's own data set where it is at hand, else one that is."""
    at_hand, own = adaptation_service.available_data_sets(), study.dataset
    asked = url_state.value("data") or own
    if asked not in at_hand:
        why = f"The data set {asked} is not at hand; {_how_to_get(asked)} Shown instead: {at_hand[0]}."
        url_state.reject("data", why)
        page.show_notices()
        asked = own if own in at_hand else at_hand[0]
    return str(st.selectbox("Images", at_hand, **url_state.bound("data", asked)))


def _foreign(study: Study, shown: str) -> str:
    """Nothing of what was measured holds here: the images are not of the kind that it was measured on."""
    own = study.dataset
    missing = own not in adaptation_service.available_data_sets()
    how = f" {own} is not on this computer; {_how_to_get(own)}" if missing else ""
    unlike = likeness.unlike(study, adaptation_service.shown(shown, study, swapped=url_state.value("swapped")))
    return (
        f"Accuracies of this model were measured on {own}; you are looking at {shown}. {unlike or ''} "
        f"To measure it there: lambda-core sweep {study.name} --dataset {shown}.{how}"
    )


def _how_to_get(name: str) -> str:
    try:
        adaptation_service.dataset(name)
    except DataError as error:
        return str(error).rpartition("; ")[2] + "."
    return ""


def _classes(study: Study, data: str, split: str) -> tuple[str, ...]:
    """The classes picked by hand, if exactly as many as the network has outputs; else none: the seed picks."""
    names, ways = adaptation_service.dataset(data).splits[split], study.config.ways
    picked = [number for number in url_state.value("classes") or () if number < len(names)]
    st.multiselect(
        f"Pick the {ways} classes yourself",
        range(len(names)),
        format_func=lambda number: image_grid.short_name(names[number]),
        max_selections=ways,
        placeholder="the seed picks",
        **url_state.bound("classes", picked[:ways]),
    )
    if 0 < len(picked) < ways:
        st.caption(f"{ways - len(picked)} more; until then the seed picks.")
    return tuple(names[number] for number in picked) if len(picked) == ways else ()
