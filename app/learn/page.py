"""Learn: five short scenes, each with a figure to play with."""

import streamlit as st

from app.learn import scenes
from app.shared import page, url_state

present = url_state.value("present")
number = url_state.value("scene")
scene = scenes.SCENES[number - 1]

scenes.bar(number, present)
with st.container(key="scene-presented" if present else "scene"):
    left, right = st.columns([1, 1.9], gap="large", vertical_alignment="center" if present else "top")
    with left:
        st.header(scene.title, anchor=False)
        words = st.container()
        controls = st.container(key="scene-controls")
    with right, page.guarded():
        scene.show(words, controls, page.colors())
