"""How a pattern is chosen: as much speed as a stated loss of accuracy allows."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import legend, tradeoff
from app.figures.palette import Palette
from app.learn import scene
from app.shared import selection_controls
from lambda_core.selection import FOR_WHOM, sentence


def show(text: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    """All candidates, and the one chosen at a threshold to play with."""
    study = scene.measured_study()
    with controls:
        selection_controls.threshold_slider()
    choice, confirmation = scene.choose(study)
    text.markdown(
        "How much accuracy may speed cost? Say it as a threshold, and let the episodes decide: a pattern passes only "
        f"if they show, with stated confidence {FOR_WHOM} and counting every pattern looked at, that it loses no more. "
        f"The fastest that passes is chosen.\n\n**{sentence(choice, confirmation, study.layers)}**"
    )
    table = choice.verdicts
    figure = tradeoff.scatter(
        table,
        axis=choice.axis,
        view=tradeoff.View("lost", choice.threshold),
        emphasised=(table["on_front"] | table["reference"]).to_numpy(bool),
        marks=tradeoff.usual_marks(table, choice, None, colors),
        colors=colors,
    )
    st.html(legend.legend(colors))
    scene.draw(go.Figure(figure), "choose", "Points lost against adaptation time, the chosen pattern marked")
    st.caption(f"{study.title}. {scene.describe_timing(study)}.")
