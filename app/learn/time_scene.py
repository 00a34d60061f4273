"""Where the time goes: the network frozen from below, one layer at a time."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import learning
from app.figures.palette import Palette
from app.learn import scene
from app.shared import selection_cache
from lambda_core.errors import StudyError
from lambda_core.formatting import times
from lambda_core.patterns import LambdaPattern, describe_pattern
from lambda_core.studies import Study


def show(text: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    """The measured time of each pattern that freezes the lowest layers."""
    study = scene.measured_study()
    steps = min(scene.steps_control(controls), study.most_steps)
    count = len(study.layers)
    patterns = ["0" * frozen + "1" * (count - frozen) for frozen in range(count)]
    rows = [_candidate(study, pattern, steps) for pattern in patterns]
    full, head = rows[0]["milliseconds"], rows[-1]["milliseconds"]
    text.markdown(
        f"Freeze the network from below, one layer at a time. Each bar is {steps} measured inner steps. Early layers "
        "see large images, so they cost most, forward and backward. Once only the head is updated, the convolutions "
        f"run once: **{head:.1f} ms** instead of **{full:.1f} ms**, {times(full / head)} faster."
    )
    names = [f"{describe_pattern(pattern, study.layers)}<br>{pattern}" for pattern in patterns]
    figure = learning.freezing_times(names, rows, colors)
    scene.draw(figure, "ladder", "Adaptation time, freezing layers from below one by one")
    st.caption(f"{study.title}. {scene.describe_timing(study)}; medians and quartiles.")


def _candidate(study: Study, text: str, steps: int) -> pd.Series:
    table, pattern = scene.choose(study)[0].verdicts, LambdaPattern.parse(text, len(study.layers))
    row = selection_cache.find_candidate(table, pattern, steps, study.config.lr)
    if row is None:
        raise StudyError(f"pattern {text} at {steps} steps was not measured in study {study.name}")
    return row
