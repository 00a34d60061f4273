"""The tab that shows every pattern at every step count, as shades."""

from __future__ import annotations

import streamlit as st

from app.compare.choices import choice_on
from app.compare.studies_bar import titled
from app.figures import comparison
from app.figures.palette import Palette
from app.shared import page, url_state
from lambda_core.selection import SelectionSettings
from lambda_core.studies import Study

SHADES = {"degradation": "Points lost", "accuracy": "Accuracy", "speed_up": "Speed-up"}


def show(studies: list[Study], settings: SelectionSettings, colors: Palette) -> None:
    """A map a study, two beside each other; a mark where the pattern passes."""
    page.choice("Shade", SHADES, "shade")
    shade = url_state.value("shade")
    scale = comparison.shade_range([choice_on(study, settings).verdicts for study in studies], shade)
    for start in range(0, len(studies), 2):
        for column, study in zip(st.columns(2, gap="medium"), studies[start : start + 2], strict=False):
            with column:
                st.markdown(titled(study))
                figure = comparison.heat_map(choice_on(study, settings).verdicts, shade, scale, colors)
                alt = f"{SHADES[shade]} by pattern and steps, {study.title}"
                page.show_figure(figure, f"heat-{study.name}", alt)
    st.caption(
        "✓ passes at the threshold above; one scale for all maps. "
        "Rows: patterns, those that reach deepest first, those without the head last; "
        "● is an updated layer. Points lost are shaded up to 10 points. Validation classes."
    )
