"""Learn: five short scenes, each with a figure to play with."""

import streamlit as st

import address
import scenes
import widgets

present = address.value("present")
number = address.value("scene")
scene = scenes.SCENES[number - 1]

scenes.bar(number, present)
with st.container(key="scene-presented" if present else "scene"):
    left, right = st.columns([1, 1.9], gap="large", vertical_alignment="center" if present else "top")
    with left:
        st.header(scene.title, anchor=False)
        words = st.container()
        controls = st.container(key="scene-controls")
    with right, widgets.guarded():
        scene.show(words, controls, widgets.colors())
