"""Explore: which pattern is fast enough and good enough, from a study's tables."""

from dataclasses import replace

import streamlit as st

from app.explore import current_pattern, overview
from app.explore.tabs import (
    budget_tab,
    candidates_tab,
    conditions_tab,
    export_tab,
    one_step_tab,
    search_tab,
)
from app.shared import page, pattern_editor, selection_cache, selection_controls, study_bar, url_state
from lambda_core.errors import SelectionError

with st.container(key="purpose"):
    st.caption(
        "**Lambda Lab** · A network that learns a new task from a few images need not update all of its layers. "
        "Which are enough, how much faster is that, and what does it cost in accuracy?"
    )
study = study_bar.study_bar()
if not study.measured:
    study_bar.show_not_measured(study)
    page.stop()

colors = page.colors()
settings = selection_controls.settings_for(study)
try:
    choice, confirmation = selection_cache.choose(study, settings)
except SelectionError as error:  # nothing that passes fits into the memory asked for
    url_state.reject("memory", page.sentence_of(error))
    page.show_notices()
    settings = replace(settings, memory=None)
    choice, confirmation = selection_cache.choose(study, settings)
table = choice.verdicts
pattern = pattern_editor.pattern_of("pattern", study.layers, choice.pattern)
steps = pattern_editor.steps_of(choice.steps, int(table["steps"].max()))
lr = current_pattern.step_size(study, table, choice.lr)
current = selection_cache.find_candidate(table, pattern, steps, lr)

overview.headline(study, choice, confirmation)

with st.container(key="explore-columns"):
    left, right = st.columns([1.9, 1], gap="medium")
with left:
    overview.tradeoff_figure(study, choice, current, steps, colors)
with right.container(border=True):
    current_pattern.show(study, choice, pattern, steps, current, colors)

page.show_tabs(
    "tab",
    {
        "budget": ("Budget curve", lambda: budget_tab.show(study, settings, colors)),
        "first": ("After one step", lambda: one_step_tab.show(study, settings, colors)),
        "table": ("All candidates", lambda: candidates_tab.show(table, current, study.name)),
        "steps": ("Step by step", lambda: search_tab.show(study, colors)),
        "take": ("Take it with you", lambda: export_tab.show(study, settings, current)),
        "training": ("Training", lambda: study_bar.show_training(study)),
        "how": ("How this was measured", lambda: conditions_tab.show(study, settings, choice.candidates)),
    },
)
