"""The tab that answers: what if more were allowed?"""

from __future__ import annotations

import streamlit as st

from app.figures import study_curves
from app.figures.palette import Palette
from app.shared import page, selection_cache
from lambda_core.selection import SelectionSettings
from lambda_core.studies import Study


def show(study: Study, settings: SelectionSettings, colors: Palette) -> None:
    """The best speed-up at every threshold, and where it rises."""
    curve = selection_cache.best_speed_ups(study, settings)
    figure = study_curves.budget(curve, settings.threshold, colors)
    page.show_figure(figure, "budget", "Best speed-up by the points of accuracy that are allowed to be lost")
    rises = curve[curve["speed_up"].diff().fillna(0) > 0]
    if len(rises):
        steps = (f"{row.threshold:g} points → {row.speed_up:.1f}×" for row in rises.itertuples())
        st.caption("Steps at: " + "; ".join(steps))
