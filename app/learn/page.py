"""Learn: five short scenes, each with a figure to play with."""

import streamlit as st

from app.learn import freezing_scene, head_scene, scene_bar, sine_scene, threshold_scene, time_scene
from app.learn.scene import Scene
from app.shared import page, url_state

scenes = (
    Scene("A few steps fit a new task", sine_scene.show),
    Scene("A pattern freezes layers", freezing_scene.show),
    Scene("The time goes into the lowest layers", time_scene.show),
    Scene("The head is often enough", head_scene.show),
    Scene("Choose under a threshold", threshold_scene.show),
)
present, number = url_state.value("present"), url_state.value("scene")
scene = scenes[number - 1]

scene_bar.show(number, len(scenes), present)
with st.container(key="scene-presented" if present else "scene"):
    left, right = st.columns([1, 1.9], gap="large", vertical_alignment="center" if present else "top")
    with left:
        st.header(scene.title, anchor=False)
        text = st.container()
        controls = st.container(key="scene-controls")
    with right, page.guarded():
        scene.show(text, controls, page.colors())
