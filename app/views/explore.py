"""Explore: which pattern is fast enough and good enough, from a study's tables."""

import streamlit as st

import address
import by_step
import cards
import conditions
import measured
import widgets

study = widgets.study_bar(settings=True)
if not study.measured:
    widgets.not_measured(study)
    widgets.done()

colors, threshold, confidence = widgets.colors(), address.value("threshold"), address.value("confidence")
timing, axis, any_lr = widgets.timing_key(study), address.value("axis"), address.value("lrs")
choice, confirmation = measured.choose(study, timing, axis, any_lr, threshold, confidence)
table = choice.verdicts
pattern = widgets.pattern_of("pattern", study.layers, choice.pattern)
steps = widgets.steps_of("steps", choice.steps, int(table["steps"].max()))
current = measured.find(table, pattern, steps, address.value("lr") or choice.lr)

cards.headline(study, choice, confirmation)

left, right = st.columns([1.9, 1], gap="medium")
with left:
    cards.tradeoff(table, axis, choice, current, steps, colors)
with right.container(border=True):
    cards.pattern_card(study, table, pattern, steps, current, colors)

tabs = widgets.tabs("tab", {
    "budget": "Budget curve", "first": "After one step", "table": "All candidates",
    "steps": "Step by step", "take": "Take it with you", "training": "Training", "how": "How this was measured",
})  # fmt: skip
if (tab := tabs["budget"]).open:
    with tab:
        cards.budget_tab(study, timing, axis, any_lr, choice, colors)
if (tab := tabs["first"]).open:
    with tab:
        cards.one_step_tab(study, any_lr, confidence, colors)
if (tab := tabs["table"]).open:
    with tab:
        cards.table_tab(table, study.name)
if (tab := tabs["steps"]).open:
    with tab:
        by_step.steps_tab(study, colors)
if (tab := tabs["take"]).open:
    with tab:
        cards.take_tab(study, choice, current)
if (tab := tabs["training"]).open:
    with tab:
        cards.training_tab(study, colors)
if (tab := tabs["how"]).open:
    with tab:
        conditions.conditions_tab(study, timing, choice.candidates)
