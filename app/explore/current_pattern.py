"""The card of the current pattern: its toggles, its steps, what was measured on it, where its time goes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.explore import why
from app.explore.verdict_badge import verdict_badge
from app.figures import layer_costs
from app.figures.lamps import lamps
from app.figures.palette import Palette
from app.shared import page, pattern_editor, url_state
from lambda_core.formatting import interval, number, times
from lambda_core.patterns import LambdaPattern, describe_pattern, plan_adaptation
from lambda_core.selection import Choice, same_step_size, untuned
from lambda_core.studies import Study


def step_size(study: Study, table: pd.DataFrame, chosen: float) -> float:
    """The step size looked at: the one clicked, where this study was measured with it, else the chosen one."""
    asked: float | None = url_state.value("lr")
    if asked is not None and not same_step_size(table["lr"], asked).any():
        url_state.reject("lr", f"{study.name} was not measured with a step size of {asked:g}; shown: {chosen:g}.")
        page.show_notices()
        return chosen
    return asked or chosen


def show(
    study: Study, choice: Choice, pattern: LambdaPattern, steps: int, current: pd.Series | None, colors: Palette
) -> None:
    """current: the pattern's row in `Choice.verdicts`; None where it was not measured."""
    st.markdown(f"**Current pattern** · {describe_pattern(str(pattern), study.layers)}{_other_step_size(study)}")
    follow_choice = partial(url_state.put, pattern=None, steps=None, lr=None)
    back = ("Chosen", "Back to the chosen one", follow_choice)
    pattern_editor.pattern_editor("pattern", study.layers, pattern, steps, back, finer=pattern_editor.Finer.of(study))
    left, right = st.columns([1.4, 1], gap="medium")
    with left:
        st.slider("Inner steps", 0, int(choice.verdicts["steps"].max()), **url_state.bound("steps", steps))
    with right:
        pattern_editor.pattern_text("pattern", study.layers, pattern)
    _measured(study, choice, pattern, steps, current)
    if study.layer_costs:
        figure = layer_costs.bars(_costs(study, study.layer_costs, pattern, steps), study.layers, colors)
        page.show_figure(figure, "costs", "Multiply-adds by layer, full and current", static=True)


def _other_step_size(study: Study) -> str:
    """Said where a click chose another step size than the study's own: it is to be seen, and Chosen leads back."""
    asked: float | None = url_state.value("lr")
    if asked is None or same_step_size(asked, study.config.lr):
        return ""
    return f" · step size {asked:g} (the study's own: {study.config.lr:g})"


def _measured(study: Study, choice: Choice, pattern: LambdaPattern, steps: int, current: pd.Series | None) -> None:
    searched = _searched(study, pattern, steps) if current is None else None
    if current is not None:
        _numbers(current, "Speed-up", "time of the full pattern / time of this one")
        why.badge(current["verdict"], _verdict(current), "current", lambda: why.of_candidate(study, choice, current))
    elif searched is not None:
        _numbers(searched, "Cheaper", "multiply-adds of the full pattern / of this one: searched, but not timed")
        verdict_badge(searched["verdict"], _verdict(searched))
    else:
        _not_measured(study, pattern, steps)


def _not_measured(study: Study, pattern: LambdaPattern, steps: int) -> None:
    """What can be said all the same, and where to go from here."""
    if study.layer_costs:
        full = _by_layer(LambdaPattern.full(len(study.layers)), study.reference_steps, study.layer_costs).sum()
        own = _by_layer(pattern, steps, study.layer_costs).sum()
        st.metric("Cheaper, counted", times(full / own if own else float("inf")), help="in multiply-adds")
    per_layer = pattern.first(max(steps, 1)).is_per_layer
    why_not = "the sweep took others" if per_layer else "a sweep takes the same layers at every step"
    st.info(f"This pattern was not measured: {why_not}.", icon=":material/straighten:")
    with st.container(horizontal=True, gap="small"):
        if not per_layer:
            first = str(pattern.first(1))
            everywhere = {"pattern": first, "grid": False}
            st.button(f"Take {lamps(first)} at every step", on_click=url_state.put, kwargs=everywhere)
        if st.button("Run it in Live", icon=":material/play_circle:"):
            st.switch_page("live/page.py")


def _searched(study: Study, pattern: LambdaPattern, steps: int) -> pd.Series | None:
    """What a search says of a pattern on fresh validation episodes; None if it did not look so far."""
    if study.search is None or steps == 0:
        return None
    val = untuned(study.search[study.search["split"] == "val"])
    found = val[(val["pattern"] == str(pattern.first(steps))) & (val["steps"] == steps)]
    return None if found.empty else found.iloc[0]


def _numbers(row: pd.Series, gain: str, gain_is: str) -> None:
    one, two, three = st.container(key="numbers").columns([1, 1, 1.35], wrap=False, gap="xsmall")
    one.metric(gain, times(row["speed_up"]), help=gain_is)
    two.metric("Accuracy", f"{row['accuracy']:.1%}", help="mean over the validation episodes")
    three.metric("Points lost", number(row["degradation"]), help="accuracy of the full pattern minus this one's")
    st.caption("Accuracy and points lost: means over validation classes.")


def _verdict(row: pd.Series) -> str:
    return f"{row['verdict']} · {interval(row['degradation_low'], row['degradation_high'])} points lost"


def _costs(study: Study, costs: list[int], pattern: LambdaPattern, steps: int) -> dict[str, NDArray[np.int64]]:
    full, own_steps = LambdaPattern.full(len(study.layers)), study.reference_steps
    return {
        f"full, {own_steps} steps": _by_layer(full, own_steps, costs),
        f"current, {steps} steps": _by_layer(pattern, steps, costs),
    }


def _by_layer(pattern: LambdaPattern, steps: int, costs: list[int]) -> NDArray[np.int64]:
    if steps == 0:  # a plan without steps knows no layers
        return np.zeros(len(costs), dtype=np.int64)
    by_layer: NDArray[np.int64] = plan_adaptation(pattern, steps, costs).cost.sum(axis=0)
    return by_layer
