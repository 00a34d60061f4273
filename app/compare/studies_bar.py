"""The row at the top: which studies to compare, and how much may be lost."""

from __future__ import annotations

import streamlit as st

from app.compare.choices import choice_on
from app.shared import page, selection_controls, study_bar, url_state
from lambda_core.errors import LambdaError
from lambda_core.studies import Study


def show() -> list[Study]:
    """The measured studies to compare, the threshold beside; stops the page where none is measured."""
    studies = study_bar.listed_studies()
    measured = {name: study for name, study in studies.items() if study.measured}
    if not measured:
        for study in studies.values():
            st.info(study.not_measured or "", icon=":material/hourglass_empty:")
        page.stop()
    one, two, three = st.columns([2.4, 1.6, 0.6], gap="medium", vertical_alignment="bottom")
    with one:
        names = _picked(measured, studies)
    with two:
        selection_controls.threshold_slider()
    with three.container(horizontal=True, horizontal_alignment="right"):
        page.copy_link()
    return _judged([measured[name] for name in names])


def _judged(studies: list[Study]) -> list[Study]:
    """Those that can be judged; one that cannot is left out with a word, and spoils no other."""
    good = []
    for study in studies:
        try:
            choice_on(study, selection_controls.common_settings())
            good.append(study)
        except LambdaError as error:
            st.warning(f"{study.name} is left out: {error}.", icon=":material/broken_image:")
    return good or page.stop()


def _say_left_out(name: str, study: Study | None) -> None:
    why = f"there is no study named {name}" if study is None else f"{study.not_measured}"
    st.warning(f"Left out: {why}.", icon=":material/link_off:")


def _picked(measured: dict[str, Study], studies: dict[str, Study]) -> list[str]:
    asked = url_state.value("studies") or _unlike(measured)
    known = [name for name in asked if name in measured] or list(measured)[:1]
    if left_out := [name for name in asked if name not in measured]:
        url_state.put(studies=tuple(known))
        for name in left_out:
            _say_left_out(name, studies.get(name))
    st.multiselect("Studies", list(measured), max_selections=6, **url_state.bound("studies", known))
    return known


def _unlike(measured: dict[str, Study]) -> list[str]:
    """The first study, and the first of other data, if there is one: those say most side by side."""
    first, *others = measured
    data = measured[first].dataset
    return [first, *sorted(others, key=lambda name: measured[name].dataset == data)[:1]]


def titled(study: Study) -> str:
    """Two studies may have the same title; their names differ."""
    return f"**{study.title}** · {study.name}"
