"""A scene, and what several scenes have in common: their study, their steps, how they draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures.palette import Palette
from app.shared import page, selection_cache, selection_controls, study_cache, url_state
from lambda_core.errors import StudyError
from lambda_core.selection import Choice, Confirmation
from lambda_core.studies import Study

MOST_STEPS = 10


@dataclass(frozen=True)
class Scene:
    """title: a statement. show(text, controls, colors): fills both containers and draws where it is called."""

    title: str
    show: Callable[[DeltaGenerator, DeltaGenerator, Palette], None]


def measured_study() -> Study:
    """The measured study picked elsewhere, else the first, of those of which every pattern was measured: the story
    needs the named ones. Raises StudyError where there is none.
    """
    studies, _ = study_cache.studies()
    measured = {name: study for name, study in studies.items() if study.measured and study.has_all_patterns}
    if not measured:
        lacking = [
            str(study.not_measured) for study in studies.values() if study.config.ways > 1 and study.not_measured
        ]
        raise StudyError(lacking[0] if lacking else _none("measured", "glyphs"))
    return _asked_or_first(measured)


def sinusoid_study() -> Study:
    """The sinusoid study picked elsewhere, else the first. Raises StudyError where there is none."""
    studies, _ = study_cache.studies()
    sinusoids = {name: study for name, study in studies.items() if study.config.ways == 1}
    if not sinusoids:
        raise StudyError(_none("sinusoid", "sinusoid"))
    return _asked_or_first(sinusoids)


def _none(kind: str, data: str) -> str:
    command = f"lambda-core train --dataset {data} --out cached_results/{data}"
    return f"this scene needs a {kind} study: `{command}` makes one"


def _asked_or_first(studies: dict[str, Study]) -> Study:
    return studies.get(url_state.value("study") or "", next(iter(studies.values())))


def steps_control(controls: DeltaGenerator, label: str = "Inner steps", least: int = 1) -> int:
    """How many inner steps the scene shows."""
    asked: int | None = url_state.value("steps")
    steps = 5 if asked is None else min(max(asked, least), MOST_STEPS)
    controls.slider(label, least, MOST_STEPS, **url_state.bound("steps", steps))
    return steps


def choose(study: Study) -> tuple[Choice, Confirmation]:
    """What is chosen at the present threshold, by measured time and at the study's own step size."""
    asked = selection_controls.settings_for(study)
    return selection_cache.choose(study, replace(asked, axis="milliseconds", any_lr=False))


def describe_timing(study: Study) -> str:
    """Such as `Timed on CPU, 1 thread`."""
    return f"Timed on {study_cache.describe_condition(selection_controls.condition_for(study))}"


def draw(figure: go.Figure, key: str, alt: str) -> None:
    """Show the scene's figure, larger for a projector: as high as its screen, see style.css."""
    if not url_state.value("present"):
        page.show_figure(figure, key, alt, static=True)
        return
    figure.update_layout(font_size=18, legend_font_size=18, height=None)
    figure.update_xaxes(tickfont_size=17, title_font_size=18).update_yaxes(tickfont_size=17, title_font_size=18)
    with st.container(key="stage"):
        page.show_figure(figure, key, alt, static=True, height="stretch")
