"""The tab of the paper's second finding: accuracy after few steps depends on the pattern."""

from __future__ import annotations

import streamlit as st

from app.figures import study_curves
from app.figures.palette import Palette
from app.shared import page, selection_cache
from lambda_core.formatting import interval, number
from lambda_core.patterns import describe_pattern
from lambda_core.selection import FOR_WHOM, PatternGain, SelectionSettings
from lambda_core.studies import Study


def show(study: Study, settings: SelectionSettings, colors: Palette) -> None:
    """The full pattern beside the best other one at every step count, and the first step in a sentence."""
    gains = selection_cache.first_steps(study, settings)
    alt = "Accuracy on test classes by step count: full pattern and best other pattern"
    page.show_figure(study_curves.first_steps(gains, colors), "first", alt)
    st.caption(_sentence(gains[0], study))


def _sentence(gain: PatternGain, study: Study) -> str:
    best = f"{describe_pattern(gain.pattern, study.layers)} (`{gain.pattern}`)"
    shown = f"shown to be better than the full pattern {FOR_WHOM}"
    not_shown = "not shown to be better than the full pattern"
    return (
        f"After one step, updating {best} gives {gain.accuracy:.1%} and the full pattern {gain.full_accuracy:.1%}: "
        f"{number(gain.gain.estimate)} points ({interval(gain.gain.low, gain.gain.high)}), "
        f"{shown if gain.better else not_shown}. Picked on validation classes, reported on {gain.episodes} episodes "
        "of test classes."
    )
