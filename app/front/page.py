"""The front page: what this is, a race to watch, the studies side by side."""

import streamlit as st

from app.front import lanes, leaderboard
from app.shared import study_bar

left, right = st.columns([1.7, 1], gap="large", vertical_alignment="bottom")
with left:
    st.title("Lambda Lab", anchor=False)
    st.markdown(
        "A network that learns a new task from a few images need not update all of its layers: here you find out which "
        "are enough, how much faster that is, and what it costs in accuracy."
    )
with right:
    study = study_bar.study_picker()
with st.container(key="front-race"):
    lanes.show(study)
st.page_link("explore/page.py", label="Explore every pattern of this study", icon=":material/scatter_plot:")
with st.container(key="front-studies"):
    leaderboard.show()
