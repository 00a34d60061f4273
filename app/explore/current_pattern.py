"""The card of the current pattern: its toggles, its steps, what was measured on it, where its time goes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.explore.verdict_badge import verdict_badge
from app.figures import layer_costs
from app.figures.palette import Palette
from app.shared import page, pattern_editor, url_state
from lambda_core.formatting import interval, number, times
from lambda_core.patterns import LambdaPattern, describe_pattern, plan_adaptation
from lambda_core.studies import Study


def show(
    study: Study, table: pd.DataFrame, pattern: LambdaPattern, steps: int, current: pd.Series | None, colors: Palette
) -> None:
    """table: of all candidates. current: the pattern's row there; None where it was not measured."""
    st.markdown(f"**Current pattern** · {describe_pattern(str(pattern), study.layers)}")
    follow_choice = partial(url_state.put, pattern=None, steps=None, lr=None)
    back = ("Chosen", "Back to the chosen one", follow_choice)
    pattern_editor.pattern_editor("pattern", study.layers, pattern, steps, back)
    left, right = st.columns([1.4, 1], gap="medium")
    with left:
        st.slider("Inner steps", 0, int(table["steps"].max()), **url_state.bound("steps", steps))
    with right:
        pattern_editor.pattern_text("pattern", study.layers, pattern)
    _measured(study, pattern, steps, current)
    if study.layer_costs:
        figure = layer_costs.bars(_costs(study, study.layer_costs, pattern, steps), study.layers, colors)
        page.show_figure(figure, "costs", "Multiply-adds by layer, full and current", static=True)


def _measured(study: Study, pattern: LambdaPattern, steps: int, current: pd.Series | None) -> None:
    searched = _searched(study, pattern, steps) if current is None else None
    if current is not None:
        _numbers(current, "Speed-up", "time of the full pattern / time of this one")
    elif searched is not None:
        _numbers(searched, "Cheaper", "multiply-adds of the full pattern / of this one: searched, but not timed")
    else:
        st.info(
            "This pattern differs from step to step and was not measured in this study's sweep. "
            "Its cost below is counted; Live runs it.",
            icon=":material/straighten:",
        )


def _searched(study: Study, pattern: LambdaPattern, steps: int) -> pd.Series | None:
    """What a search says of a pattern on fresh validation episodes; None if it did not look so far."""
    if study.search is None or steps == 0:
        return None
    val = study.search[study.search["split"] == "val"]
    found = val[(val["pattern"] == str(pattern.first(steps))) & (val["steps"] == steps)]
    return None if found.empty else found.iloc[0]


def _numbers(row: pd.Series, gain: str, gain_is: str) -> None:
    one, two, three = st.container(key="numbers").columns([1, 1, 1.35], wrap=False, gap="xsmall")
    one.metric(gain, times(row["speed_up"]), help=gain_is)
    two.metric("Accuracy", f"{row['accuracy']:.1%}", help="mean over the validation episodes")
    three.metric("Degradation", number(row["degradation"]), help="percentage points below the full pattern")
    loss = f"{interval(row['degradation_low'], row['degradation_high'])} points lower"
    verdict_badge(row["verdict"], f"{row['verdict']} · {loss}")


def _costs(study: Study, costs: list[int], pattern: LambdaPattern, steps: int) -> dict[str, NDArray[np.int64]]:
    full, own_steps = LambdaPattern.full(len(study.layers)), study.config.steps
    return {
        f"full, {own_steps} steps": _by_layer(full, own_steps, costs),
        f"current, {steps} steps": _by_layer(pattern, steps, costs),
    }


def _by_layer(pattern: LambdaPattern, steps: int, costs: list[int]) -> NDArray[np.int64]:
    if steps == 0:  # a plan without steps knows no layers
        return np.zeros(len(costs), dtype=np.int64)
    by_layer: NDArray[np.int64] = plan_adaptation(pattern, steps, costs).cost.sum(axis=0)
    return by_layer
