"""Live: one episode, two patterns, adapted here and now, step by step."""

import streamlit as st

import engine
import stage
import widgets

study, source = stage.study_and_source()
if study.config.ways == 1:
    stage.no_images(study)
    widgets.done()

engine.start()
colors = widgets.colors()
found = stage.episode_of(study, source)
if found is None:
    widgets.done()
key, episode, statistics = found
left, right = st.columns([1.9, 1], gap="medium", vertical_alignment="center")
with left:
    stage.support(episode)
with right:
    steps = stage.steps_control(study)

left, right = st.columns(2, gap="medium")
with left:
    first = stage.pattern_choice("pattern", "Pattern A", study, stage.suggestion(study), steps)
with right:
    second = stage.pattern_choice("against", "Pattern B", study, "1" * len(study.layers), steps)

traces = {
    side: engine.trace_of(study, key, episode, pattern, steps, statistics)
    for side, pattern in (("A", first), ("B", second))
}
stage.player(study, episode, traces, {"A": first, "B": second}, steps, colors)
