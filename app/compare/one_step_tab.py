"""The tab of accuracy after one inner step, study by study."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.figures import comparison
from app.figures.palette import Palette
from app.shared import page, selection_cache
from lambda_core.formatting import interval, number, percent
from lambda_core.selection import SelectionSettings, for_these_episodes
from lambda_core.studies import Study


def show(studies: list[Study], settings: SelectionSettings, colors: Palette) -> None:
    """The full pattern against the best other one, as bars and as a table."""
    gains = {study.name: selection_cache.first_steps(study, settings)[0].among(len(studies)) for study in studies}
    alt = "Accuracy after one step, full pattern and best other pattern by study"
    page.show_figure(comparison.one_step(gains, colors), "one-step", alt)
    rows = [
        {
            "Study": name,
            "Best pattern": gain.pattern,
            "Full": f"{gain.full_accuracy:.1%}",
            "Best": f"{gain.accuracy:.1%}",
            "Gain, points": number(gain.gain.estimate),
            percent(settings.confidence): interval(gain.gain.low, gain.gain.high),
            "Better than full": "yes" if gain.better else "not shown",
        }
        for name, gain in gains.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Accuracy after one step")
    st.caption(
        "Best pattern: picked on validation classes, reported on test classes, episode by episode. "
        f"{for_these_episodes(settings.confidence)}, over all studies shown."
    )
