"""Run: meta-training, sweeps and timings as jobs that outlive the browser."""

import streamlit as st

from app.run import forms, job_list
from app.shared import page
from lambda_core.jobs import read_only

if read_only():
    st.info(
        "This server is read-only: it starts no work. Explore, Live and Compare show what is there.",
        icon=":material/lock:",
    )
    page.stop()

left, right = st.columns([1, 1.25], gap="large")
with left, page.guarded():
    forms.new_job()
with right, page.guarded():
    job_list.show()
