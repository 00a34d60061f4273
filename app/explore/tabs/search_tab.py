"""The tab that shows what a search found: patterns that update other layers at other steps."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.figures import search_front
from app.figures.palette import Palette
from app.shared import page, url_state
from lambda_core.formatting import with_interval
from lambda_core.selection import describe_gaining, dominating, untuned
from lambda_core.studies import Study


def show(study: Study, colors: Palette) -> None:
    """The front of step × layer patterns beside the per-layer one, and those that dominate it."""
    if study.search is None:
        st.info(
            "Patterns that change from step to step are too many to measure one by one; a search finds the best: "
            f"`lambda-core search {study.name}`.",
            icon=":material/travel_explore:",
        )
        return
    found, best = untuned(study.search), dominating(study.search)
    figure = search_front.fronts(found[found["split"] == "test"], best, colors)
    page.show_figure(figure, "steps", "Accuracy against multiply-adds: step × layer and per-layer patterns")
    if told := describe_gaining(study.search):
        st.caption(told)
    if not best:
        st.caption("No pattern that changes from step to step is shown to be cheaper and better than a per-layer one.")
        return
    st.caption(
        f"{len(best)} patterns that change from step to step are cheaper *and* better than the next per-layer pattern, "
        "shown on fresh episodes of validation and of test classes. Gains in points, with 95 % intervals."
    )
    st.dataframe(_gains(found, best), hide_index=True, width="stretch")
    _into_the_editor(best)


def _into_the_editor(best: list[tuple[str, int]]) -> None:
    names = [f"{pattern} × {steps}" for pattern, steps in best]
    left, right, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    with left:
        chosen = st.selectbox("Pattern", names, key="found-pattern")
    pattern, steps = best[names.index(chosen)]
    with right:
        st.button(
            "Into the editor",
            icon=":material/edit:",
            on_click=url_state.put,
            kwargs={"pattern": pattern, "steps": steps, "grid": True},
            width="stretch",
        )


def _gains(table: pd.DataFrame, best: list[tuple[str, int]]) -> pd.DataFrame:
    rows = []
    for pattern, steps in best:
        splits = table[(table["pattern"] == pattern) & (table["steps"] == steps)].set_index("split")
        first = splits.iloc[0]
        rows.append(
            {
                "Pattern": f"{pattern} × {steps}",
                "Better than": first["rival"],
                "Gain, validation": _gain(splits.loc["val"]),
                "Gain, test": _gain(splits.loc["test"]),
                "Multiply-adds, M": round(first["multiply_adds"] / 1e6, 1),
            }
        )
    return pd.DataFrame(rows)


def _gain(row: pd.Series) -> str:
    return with_interval(row["gain"], row["gain_low"], row["gain_high"])
