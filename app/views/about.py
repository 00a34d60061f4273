"""About: what this is, the words it uses, where its numbers come from."""

import streamlit as st

import about_parts as parts
import widgets

with widgets.guarded():
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        parts.what_this_is()
        parts.words()
    with right:
        parts.studies()
        parts.sources()
