"""Live: one episode, two patterns, adapted here and now, step by step."""

import streamlit as st

from app.live import player
from app.shared import adaptation_service, page

study, source = player.study_and_source()
if study.config.ways == 1:
    player.no_images(study)
    page.done()

adaptation_service.start()
colors = page.colors()
found = player.episode_of(study, source)
if found is None:
    page.done()
key, episode, statistics = found
left, right = st.columns([1.9, 1], gap="medium", vertical_alignment="center")
with left:
    player.support(episode)
with right:
    steps = player.steps_control(study)

left, right = st.columns(2, gap="medium")
with left:
    first = player.pattern_choice("pattern", "Pattern A", study, player.suggestion(study), steps)
with right:
    second = player.pattern_choice("against", "Pattern B", study, "1" * len(study.layers), steps)

traces = {
    side: adaptation_service.trace_of(study, key, episode, pattern, steps, statistics)
    for side, pattern in (("A", first), ("B", second))
}
player.player(study, episode, traces, {"A": first, "B": second}, steps, colors)
