"""What MAML does, on a task that fits a figure: a sine curve known from a few points."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import learning
from app.figures.palette import Palette
from app.learn import scene
from app.shared import adaptation_service, page, pattern_editor, url_state
from lambda_core.patterns import LambdaPattern


def show(text: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    """The fit before and after each step."""
    study = scene.sinusoid_study()
    adaptation_service.start()
    with controls:
        steps = scene.steps_control(controls, "Inner steps taken", least=0)
        pattern = pattern_editor.pattern_of("sine", study.layers, str(LambdaPattern.full(len(study.layers))))
        pattern_editor.pattern_editor("sine", study.layers, pattern, 1, finer=pattern_editor.Finer.of(study))
        st.button("Another curve", icon=":material/refresh:", on_click=page.next_seed)
    sine = adaptation_service.sine(study, url_state.value("seed"), pattern, scene.MOST_STEPS)
    text.markdown(
        f"MAML learns weights from which a few gradient steps fit a *new* task. Here the task is a sine curve, known "
        f"from {len(sine.support)} points only. Before adapting, the network draws an average of all curves. "
        f"After **{steps}** {'step' if steps == 1 else 'steps'} its error on the points is "
        f"**{sine.losses[steps]:.3g}**, from {sine.losses[0]:.3g} at the start."
    )
    figure = learning.sine_fit(sine, steps, colors)
    scene.draw(figure, "sine", f"A sine curve and the network's fit after {steps} steps")
