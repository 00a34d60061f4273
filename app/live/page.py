"""Live: one episode, two patterns, adapted here and now, step by step."""

import streamlit as st

from app.live import episode_source, image_grid, pattern_choice, player
from app.shared import adaptation_service, page

study, source = episode_source.study_and_source()
if study.config.ways == 1:
    episode_source.show_no_images(study)
    page.stop()

adaptation_service.start()
found = episode_source.find_episode(study, source)
if found is None:
    page.stop()
key, pictures, statistics = found

left, right = st.columns([1.9, 1], gap="medium", vertical_alignment="center")
with left:
    st.html(image_grid.support_strip(pictures.support, pictures.support_labels, pictures.class_names))
with right:
    steps = pattern_choice.steps_control(study)

left, right = st.columns(2, gap="medium")
with left:
    first = pattern_choice.choose("pattern", "Pattern A", study, pattern_choice.suggestion(study), steps)
with right:
    second = pattern_choice.choose("against", "Pattern B", study, pattern_choice.full(study), steps)

traces = {
    f"{side} · {pattern}": adaptation_service.trace_of(study, key, pictures, pattern, steps, statistics)
    for side, pattern in (("A", first), ("B", second))
}
player.show(player.Run(study, pictures, traces, steps, labelled=source == "data"), page.colors())
