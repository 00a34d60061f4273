"""What a visitor asks of a selection: its controls, and their values as one `SelectionSettings`."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.shared import page, study_cache, url_state
from lambda_core.formatting import kilobytes
from lambda_core.selection import FOR_WHOM, SelectionSettings, TimingCondition
from lambda_core.studies import Study

CONFIDENCES = {0.8: "80 %", 0.9: "90 %", 0.95: "95 %", 0.99: "99 %"}
ANY = -1  # memory: any number of bytes
SPEEDS = {"milliseconds": "Time", "multiply_adds": "Multiply-adds"}


def common_settings() -> SelectionSettings:
    """What the address asks of every study alike: threshold, confidence, axis and step sizes."""
    return SelectionSettings(
        threshold=url_state.value("threshold"),
        confidence=url_state.value("confidence"),
        axis=url_state.value("axis"),
        any_lr=url_state.value("lrs"),
        memory=url_state.value("memory"),
    )


def settings_for(study: Study) -> SelectionSettings:
    """What the address asks of this study: all of that, under the timing condition asked for."""
    return replace(common_settings(), condition=condition_for(study))


def condition_for(study: Study) -> TimingCondition:
    """The device and threads asked for, or those that the study was timed under most."""
    known, asked = study_cache.conditions(study), url_state.value("timing")
    usual = next(iter(known.values()))
    if asked is not None and asked not in known:
        instead = study_cache.describe_condition(usual)
        url_state.reject("timing", f"This study was not timed on “{asked}”; shown instead: {instead}.")
        page.show_notices()
    return known.get(asked, usual)


def threshold_slider() -> None:
    """How much accuracy may be lost."""
    st.slider(
        "Points of accuracy you allow to lose",
        0.0,
        5.0,
        step=0.1,
        format="%.1f",
        help=_THRESHOLD_HELP,
        **url_state.bound("threshold"),
    )


_THRESHOLD_HELP = (
    "How many percentage points of accuracy a faster pattern may lose against the full pattern. "
    "A pattern passes only if the episodes show it at the asked confidence, corrected for all candidates looked at: "
    f"{FOR_WHOM}."
)


def settings_popover(study: Study) -> None:
    """Confidence, axis, device: what an analyst sets once."""
    with st.popover("Settings", icon=":material/tune:"):
        page.choice("Confidence", CONFIDENCES, "confidence")
        page.choice("Speed is", SPEEDS, "axis", help=_AXIS_HELP)
        known = study_cache.conditions(study)
        st.selectbox(
            "Timed on",
            list(known),
            format_func=lambda key: study_cache.describe_condition(known[key]),
            **url_state.bound("timing", condition_for(study).key),
        )
        _memory_choice(study)
        page.choice("Figures are saved as", {"svg": "SVG", "png": "PNG"}, "picture")
        if study_cache.has_step_sizes(study):
            help_text = "Candidates with other inner step sizes are looked at too"
            st.toggle("Any step size", help=help_text, **url_state.bound("lrs"))


def _memory_choice(study: Study) -> None:
    """What an adaptation may need at its most: the sizes that the candidates need, and a few round ones."""
    peaks = study_cache.peaks(study)
    if not peaks:
        return
    asked = url_state.value("memory")
    sizes = sorted({*peaks, *([] if asked is None else [asked])})
    st.select_slider(
        "Memory of the device",
        [*sizes, ANY],
        format_func=lambda size: "any" if size == ANY else kilobytes(size),
        help="Only patterns whose adaptation needs at most this are chosen; counted, not measured.",
        **url_state.bound("memory", ANY if asked is None else asked, convert=_asked_memory),
    )


def _asked_memory(size: int) -> int | None:
    return None if size == ANY else size


_AXIS_HELP = "Time is measured on the device below; multiply-adds are counted and the same on every machine."
