"""The two patterns of the Live page, and how many steps both take."""

from __future__ import annotations

import streamlit as st

from app.shared import pattern_editor, selection_cache, selection_controls, url_state
from lambda_core.patterns import LambdaPattern, describe_pattern
from lambda_core.studies import Study

MOST_STEPS = 20  # or as many as the study takes


def steps_control(study: Study) -> int:
    """How many inner steps both patterns take."""
    asked: int | None = url_state.value("steps")
    most = max(MOST_STEPS, study.config.steps)
    steps = study.config.steps if asked is None else min(max(asked, 1), most)
    shown_at_the_end = url_state.bound("steps", steps, then=lambda _: url_state.put(at=None))
    st.slider("Inner steps", 1, most, **shown_at_the_end)
    return steps


def choose(field: str, title: str, study: Study, fallback: str, steps: int) -> LambdaPattern:
    """A pattern to edit, in a card of its own. fallback: while the field holds none."""
    pattern = pattern_editor.pattern_of(field, study.layers, fallback)
    with st.container(border=True, gap="small"):
        st.markdown(f"**{title}** · {describe_pattern(str(pattern), study.layers)}")
        pattern_editor.pattern_editor(field, study.layers, pattern, steps, finer=pattern_editor.Finer.of(study))
    return pattern


def suggestion(study: Study) -> str:
    """The pattern chosen at the present threshold; the head alone where none is, or all layers: two are compared."""
    if study.measured:
        choice, _ = selection_cache.choose(study, selection_controls.settings_for(study))
        if not choice.is_reference:
            return choice.pattern
    return str(LambdaPattern.named("anil", len(study.layers)))


def full(study: Study) -> str:
    """The full pattern, to compare with."""
    return str(LambdaPattern.full(len(study.layers)))
