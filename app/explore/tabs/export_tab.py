"""The tab that gives the current candidate to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.explore.tabs.export import as_json, as_python
from lambda_core.patterns import describe_pattern
from lambda_core.selection import SelectionSettings
from lambda_core.studies import Study


def show(study: Study, settings: SelectionSettings, row: pd.Series | None) -> None:
    """The current candidate as JSON and as Python. row: None where it was not measured."""
    if row is None:
        st.info("Choose a measured pattern first: press Chosen, or click a candidate in the figure.")
        return
    words = describe_pattern(row["pattern"], study.layers)
    code = as_python(study, row["pattern"], int(row["steps"]), row["lr"], words)
    data = as_json(study, row, settings.threshold, settings.confidence)
    left, right = st.columns([1.6, 1])
    with left:
        st.markdown("**Python** that adapts the study's model under this pattern")
        st.code(code, language="python", wrap_lines=True)
        _save("Save as Python", code, f"{study.name}-adapt.py", "text/x-python")
    with right:
        st.markdown("**JSON** with the measured numbers")
        st.code(data, language="json", height=380)
        _save("Save as JSON", data, f"{study.name}-pattern.json", "application/json")


def _save(label: str, text: str, name: str, mime: str) -> None:
    st.download_button(label, text, name, mime, icon=":material/download:", on_click="ignore")
