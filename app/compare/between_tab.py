"""The tab that sets studies on the same episodes against each other, and all studies into one profile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from app.figures import comparison
from app.figures.palette import Palette
from app.shared import page, study_bar
from app.shared.study_cache import BY_FILES
from lambda_core.analysis import PAIRED, losses, pairs_beside_first, pairs_table, profile
from lambda_core.errors import LambdaError
from lambda_core.formatting import points
from lambda_core.selection import SelectionSettings, for_these_episodes
from lambda_core.studies import Study

FAR = np.linspace(0, 5, 51)  # points


def show(studies: list[Study], settings: SelectionSettings, colors: Palette) -> None:
    """Pairs of the studies picked above; the profile is of all that are measured."""
    own = replace(settings, any_lr=False, condition=None)  # each study's own step size and usual timing condition
    _pairs(studies, own)
    _profile(own, colors)


def _pairs(studies: list[Study], settings: SelectionSettings) -> None:
    rows = _paired(studies, settings)
    if not rows:
        st.info("None of these studies share their test episodes.", icon=":material/join_inner:")
        return
    names = ["Study", "Beside", "Episodes", *(f"{what[0].upper()}{what[1:]}" for what in PAIRED)]
    table = pd.DataFrame(rows, columns=names).map(lambda text: text.strip("`"))
    st.dataframe(table, hide_index=True, alt="Points above the other study, on the same episodes")
    st.caption(
        "Points of accuracy above the other study on the same test episodes, episode by episode. "
        f"{for_these_episodes(settings.confidence)}, each of both studies, over all that is shown at once."
    )


def _profile(settings: SelectionSettings, colors: Palette) -> None:
    found = _lost([study for study in study_bar.listed_studies().values() if study.measured], settings)
    count = found["study"].nunique()
    st.markdown(f"**How many of all {count} studies lose how much**")
    figure = comparison.profile(profile(found, FAR), colors)
    page.show_figure(figure, "profile", "Share of studies that lose at most so many points, by rule")
    st.caption(
        "Share of studies against points lost on test classes, beside all layers at each study's own steps; dotted: by "
        f"the upper bound. {for_these_episodes(settings.confidence)}, each study by itself. "
        f"The choice is that within {points(settings.threshold)}."
    )


@st.cache_resource(max_entries=16, show_spinner="Pairing the studies episode by episode …", hash_funcs=BY_FILES)
def _paired(studies: list[Study], settings: SelectionSettings) -> list[list[str]]:
    return pairs_table(pairs_beside_first(studies, settings))


def _lost(studies: list[Study], settings: SelectionSettings) -> pd.DataFrame:
    """`losses` of all studies that can answer."""
    return pd.concat([_lost_on(study, settings) for study in studies], ignore_index=True)


@st.cache_resource(max_entries=128, show_spinner="Asking all studies …", hash_funcs=BY_FILES)
def _lost_on(study: Study, settings: SelectionSettings) -> pd.DataFrame:
    try:
        return losses([study], settings)
    except LambdaError:  # said of the study where it is picked
        return losses([], settings)
