"""The tab that gives the current candidate to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.explore.tabs.export import as_json, as_python
from app.shared import adaptation_service, page
from lambda_core.errors import LambdaError
from lambda_core.patterns import LambdaPattern, describe_pattern
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
        if row["steps"] > 0:
            _graphs(study, row)


def _graphs(study: Study, row: pd.Series) -> None:
    """The adaptation for where there is no torch: made when it is asked for, which takes some seconds."""
    st.markdown("**ONNX** graphs for a device, and a program that runs them with numpy and onnxruntime")
    if not st.button("Make the graphs", icon=":material/memory:", help="Support images in, adapted weights out"):
        return
    pattern = LambdaPattern.parse(row["pattern"], len(study.layers))
    try:
        content = adaptation_service.exported(study, pattern, int(row["steps"]), float(row["lr"]))
    except LambdaError as error:
        st.warning(page.sentence_of(error), icon=":material/memory:")
        return
    name = f"{study.name}-{row['pattern']}-{int(row['steps'])}.zip"
    st.download_button("Save the archive", content, name, "application/zip", on_click="ignore", type="primary")


def _save(label: str, text: str, name: str, mime: str) -> None:
    st.download_button(label, text, name, mime, icon=":material/download:", on_click="ignore")
