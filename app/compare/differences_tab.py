"""The tab that sets a candidate against the full pattern in each episode: why pairing shows what means hide."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.compare.choices import choice_on
from app.compare.studies_bar import titled
from app.figures import comparison
from app.figures.palette import Palette
from app.shared import page, pattern_editor, selection_cache, url_state
from lambda_core.formatting import interval, number
from lambda_core.patterns import LambdaPattern, describe_pattern
from lambda_core.selection import SelectionSettings
from lambda_core.studies import Study


def show(studies: list[Study], settings: SelectionSettings, colors: Palette) -> None:
    """One pattern on every study whose layers are those of the first."""
    same = [study for study in studies if study.layers == studies[0].layers]
    for study in studies:
        if study not in same:
            other = f"its layers are not those of {studies[0].name}, so that no pattern fits both"
            st.info(f"{study.name} is not shown: {other}.", icon=":material/straighten:")
    pattern, steps = _pattern_and_steps(same, settings)
    for study in same:
        table = choice_on(study, settings).verdicts
        row = selection_cache.find_candidate(table, pattern, steps, study.config.lr)
        if row is None:
            st.info(f"{study.title}: this pattern was not measured.", icon=":material/straighten:")
        else:
            _differences(study, row, settings.threshold, colors)


def _pattern_and_steps(studies: list[Study], settings: SelectionSettings) -> tuple[LambdaPattern, int]:
    first = studies[0]
    choice = choice_on(first, settings)
    pattern = pattern_editor.pattern_of("pattern", first.layers, choice.pattern)
    most = min(study.most_steps for study in studies)
    with st.container(border=True):
        st.markdown(f"**Pattern** · {describe_pattern(str(pattern), first.layers)}")
        pattern_editor.pattern_editor("pattern", first.layers, pattern, 1, finer=pattern_editor.Finer.of(first))
        steps = pattern_editor.steps_of(min(choice.steps, most), most)
        st.slider("Inner steps", 0, most, **url_state.bound("steps", steps))
    return pattern, steps


def _differences(study: Study, row: pd.Series, threshold: float, colors: Palette) -> None:
    values = selection_cache.paired_differences(study, row, "val")
    between = interval(row["degradation_low"], row["degradation_high"])
    mean = f"{number(row['degradation'])} points lost on average ({between})"
    st.markdown(f"{titled(study)}: {mean} over {len(values)} episodes: {row['verdict']}")
    figure = comparison.differences(values, row, threshold, colors)
    page.show_figure(figure, f"differences-{study.name}", f"Differences by episode, {study.title}")
