"""Explore: which pattern is fast enough and good enough, from a study's tables."""

import streamlit as st

from app.explore import conditions_tab, overview, search_tab
from app.shared import page, selection_cache, url_state

study = page.study_bar(settings=True)
if not study.measured:
    page.not_measured(study)
    page.done()

colors, threshold, confidence = page.colors(), url_state.value("threshold"), url_state.value("confidence")
timing, axis, any_lr = page.timing_key(study), url_state.value("axis"), url_state.value("lrs")
choice, confirmation = selection_cache.choose(study, timing, axis, any_lr, threshold, confidence)
table = choice.verdicts
pattern = page.pattern_of("pattern", study.layers, choice.pattern)
steps = page.steps_of("steps", choice.steps, int(table["steps"].max()))
current = selection_cache.find(table, pattern, steps, url_state.value("lr") or choice.lr)

overview.headline(study, choice, confirmation)

left, right = st.columns([1.9, 1], gap="medium")
with left:
    overview.tradeoff(table, axis, choice, current, steps, colors)
with right.container(border=True):
    overview.pattern_card(study, table, pattern, steps, current, colors)

tabs = page.tabs("tab", {
    "budget": "Budget curve", "first": "After one step", "table": "All candidates",
    "steps": "Step by step", "take": "Take it with you", "training": "Training", "how": "How this was measured",
})  # fmt: skip
if (tab := tabs["budget"]).open:
    with tab:
        overview.budget_tab(study, timing, axis, any_lr, choice, colors)
if (tab := tabs["first"]).open:
    with tab:
        overview.one_step_tab(study, any_lr, confidence, colors)
if (tab := tabs["table"]).open:
    with tab:
        overview.table_tab(table, study.name)
if (tab := tabs["steps"]).open:
    with tab:
        search_tab.steps_tab(study, colors)
if (tab := tabs["take"]).open:
    with tab:
        overview.take_tab(study, choice, current)
if (tab := tabs["training"]).open:
    with tab:
        overview.training_tab(study, colors)
if (tab := tabs["how"]).open:
    with tab:
        conditions_tab.conditions_tab(study, timing, choice.candidates)
