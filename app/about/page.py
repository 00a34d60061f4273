"""About: what this is, the words it uses, where its numbers come from."""

import streamlit as st

from app.about import sections
from app.shared import page

with page.guarded():
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        sections.what_this_is()
        sections.words()
    with right:
        sections.studies()
        sections.sources()
