"""What a Lambda pattern is, and which work it saves."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import adaptation
from app.figures.palette import Palette
from app.learn import scene
from app.shared import pattern_editor
from lambda_core.errors import StudyError
from lambda_core.formatting import times
from lambda_core.patterns import LambdaPattern, describe_pattern, plan_adaptation


def show(text: DeltaGenerator, controls: DeltaGenerator, colors: Palette) -> None:
    """The plan of a pattern to play with."""
    study = scene.measured_study()
    if study.layer_costs is None:
        raise StudyError(f"study {study.name} does not record what its layers cost; `lambda-core time` does")
    pattern = pattern_editor.pattern_of("pattern", study.layers, "00011")
    with controls:
        steps = scene.steps_control(controls)
        pattern_editor.pattern_editor("pattern", study.layers, pattern, steps, finer=pattern_editor.Finer.of(study))
    plan = plan_adaptation(pattern, steps, study.layer_costs)
    full = plan_adaptation(LambdaPattern.full(len(study.layers)), steps, study.layer_costs)
    ratio = full.multiply_adds / plan.multiply_adds if plan.multiply_adds else float("inf")
    text.markdown(
        f"A Lambda pattern says which layers an inner step may change; the others are frozen. This one updates "
        f"**{describe_pattern(str(pattern), study.layers)}**. Below the lowest updated layer nothing changes: there "
        "the first step computes the activations, later steps reuse them (=), and no gradient goes that far down. "
        f"That leaves **{times(ratio)}** less arithmetic than updating all layers."
    )
    figure = adaptation.plan(plan, study.layers, steps, colors, height=56)
    scene.draw(figure, "freeze", f"Plan of pattern {pattern} over {steps} steps")
    st.caption(adaptation.LEGEND)
