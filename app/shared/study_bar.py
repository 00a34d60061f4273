"""The row at the top of a page: which study is looked at, and what there is to do where there is none."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.figures import study_curves
from app.shared import page, selection_controls, study_cache, url_state
from lambda_core.studies import Study

NO_STUDY = (
    "There is no study yet. `lambda-core train --dataset glyphs --out my-study` makes one, "
    "`lambda-core sweep` and `lambda-core time` measure it."
)


def study_bar() -> Study:
    """Which study, how much may be lost, and what else decides a verdict."""
    one, two, three = st.columns([2, 1.6, 1], gap="medium", vertical_alignment="bottom")
    with one:
        study = study_picker()
    with two:
        selection_controls.threshold_slider()
    with three.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if study.measured:
            selection_controls.settings_popover(study)
        page.copy_link()
    return study


def study_picker(prefer: Callable[[Study], bool] = lambda _: True) -> Study:
    """The study to look at; stops the page with what to do where there is none.

    prefer: of the studies, the first of these is shown to who has asked for none.
    """
    studies = listed_studies()
    first = next((name for name, study in studies.items() if prefer(study)), next(iter(studies)))
    name = st.selectbox(
        "Study",
        list(studies),
        format_func=lambda name: f"{studies[name].title} ({name})",
        # a step size clicked in one study means nothing in the next
        **url_state.bound("study", _asked_or(first, studies), then=lambda _: url_state.put(lr=None)),
    )
    return studies[name]


def listed_studies() -> dict[str, Study]:
    """Every study by name, with a warning for each that cannot be read; stops the page where there is none."""
    studies, errors = study_cache.studies()
    for error in errors:
        st.warning(str(error), icon=":material/broken_image:")
    if not studies:
        st.info(NO_STUDY, icon=":material/folder_open:")
        page.stop()
    return studies


def _asked_or(first: str, studies: dict[str, Study]) -> str:
    asked: str | None = url_state.value("study")
    if asked is not None and asked not in studies:
        url_state.reject("study", f"There is no study named “{asked}” here; shown instead: {first}.")
        page.show_notices()
    return asked if asked in studies else first


def show_not_measured(study: Study) -> None:
    """What a study without tables still lacks, and how its training went."""
    curves = study.config.ways == 1
    icon = "show_chart" if curves else "hourglass_empty"
    st.info(study.not_measured or "", icon=f":material/{icon}:")
    if curves:
        st.page_link("learn/page.py", label="Learn shows how it adapts to a curve", icon=":material/school:")
    show_training(study)


def show_training(study: Study) -> None:
    """How meta-training went, on training and on validation classes."""
    quantity: study_curves.Quantity = "loss" if study.config.ways == 1 else "accuracy"
    figure = study_curves.training(study.training, quantity, page.colors())
    page.show_figure(figure, "training", f"{quantity.capitalize()} over meta-training")
