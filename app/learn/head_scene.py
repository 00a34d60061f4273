"""How much of a new task the last layer alone can learn."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import learning
from app.figures.palette import Palette
from app.learn import scene
from lambda_core.patterns import LambdaPattern

NAMED = {"all layers": "maml", "only the head": "anil", "all but the head": "boil"}


def show(text: DeltaGenerator, _: DeltaGenerator, colors: Palette) -> None:
    """Accuracy step by step: all layers, only the head, all but the head."""
    study = scene.measured_study()
    choice = scene.choose(study)[0]
    table, steps = choice.verdicts, study.reference_steps
    patterns = {words: str(LambdaPattern.named(name, len(study.layers))) for words, name in NAMED.items()}
    lines = {words: table[table["pattern"] == pattern].sort_values("steps") for words, pattern in patterns.items()}
    at = {words: float(rows.loc[rows["steps"] == steps, "accuracy"].iloc[0]) for words, rows in lines.items()}
    start = float(table.loc[table["steps"] == 0, "accuracy"].iloc[0])
    text.markdown(
        f"Without adapting, the network guesses: {start:.0%}. After {steps} steps on all layers it reaches "
        f"**{at['all layers']:.1%}**, with the head alone **{at['only the head']:.1%}**: meta-training has already "
        "made features in which new classes lie apart, so that a new last layer is most of what a task needs. Updating "
        f"all *but* the head gives {at['all but the head']:.1%}."
    )
    alt = "Accuracy by inner steps: all layers, only the head, all but the head"
    scene.draw(learning.accuracy_by_steps(lines, start, colors), "head", alt)
    st.caption(f"{study.title}. Validation classes, {choice.episodes} episodes, 95 % intervals.")
