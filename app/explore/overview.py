"""What was chosen, as a sentence and as a point in the figure of all candidates."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app.explore import figure_hands, neighbours, why
from app.figures import legend, tradeoff
from app.figures.palette import Palette
from app.shared import caveats, page, url_state
from lambda_core.analysis import literature_for
from lambda_core.formatting import points_up
from lambda_core.selection import Choice, Confirmation, promise, sentence
from lambda_core.studies import Study


def headline(study: Study, choice: Choice, confirmation: Confirmation) -> None:
    """What was chosen, how much faster, at what loss; confirmed or not on unseen classes."""
    with st.container(key="headline"):
        st.markdown(sentence(choice, confirmation, study.layers))
        with st.container(horizontal=True, gap="small"):
            _promise_badge(study, choice)
            if not choice.is_reference:  # beside itself the full pattern loses nothing: there is nothing to confirm
                _confirmation_badge(study, choice, confirmation)
    st.caption(_accuracies(study, choice, confirmation))


def _accuracies(study: Study, choice: Choice, seen: Confirmation) -> str:
    """What the speed and the loss are measured against, and what others report."""
    own = "" if choice.is_reference else f"{100 * seen.accuracy:.1f} % with the choice, "
    known = literature_for(study)
    others = f"; {known.accuracy} ± {known.margin} % in the literature ({known.source})" if known else ""
    return (
        f"Compared with updating all layers (MAML, {choice.reference_steps} steps). "
        f"Accuracy on unseen test classes: {own}{100 * seen.reference_accuracy:.1f} % with all layers{others}. "
        f"{caveats.caveat(study)}"
    )


def _promise_badge(study: Study, choice: Choice) -> None:
    if choice.is_reference:
        st.badge("Nothing faster is shown to be within your budget", icon=":material/info:", color="gray")
        return
    text = promise(choice).removesuffix(".")
    why.badge("pass", text, "choice", lambda: why.of_choice(study, choice))


def _confirmation_badge(study: Study, choice: Choice, seen: Confirmation) -> None:
    words = {"pass": "Confirmed on", "undecided": "Not decided on", "fail": "Not confirmed on"}[seen.verdict]
    text = f"{words} unseen test classes: at most {points_up(seen.degradation.high)} lower there"
    why.badge(seen.verdict, text, "confirmation", lambda: why.of_confirmation(study, choice, seen))


def tradeoff_figure(study: Study, choice: Choice, current: pd.Series | None, steps: int, colors: Palette) -> None:
    """The figure; a click on a candidate makes it the current one."""
    table, show = choice.verdicts, url_state.value("show")
    shown = table[_shown(table, show, steps)]
    view = tradeoff.View(url_state.value("height"), choice.threshold, url_state.value("far"))
    figure = tradeoff.scatter(
        shown,
        axis=choice.axis,
        view=view,
        emphasised=_emphasised(shown, show, steps).to_numpy(bool),
        marks=tradeoff.usual_marks(table, choice, current, colors),
        colors=colors,
    )
    name = f"{study.name} {choice.axis} {view.height} {view.everything}"
    figure = tradeoff.handled(figure, name, figure_hands.kept_zoom(name), figure_hands.drops())
    with st.container(key="tradeoff-box", gap="small"):
        st.html(legend.legend(colors))
        page.show_seen_first("tradeoff", lambda: tradeoff.picture(figure, _alt(choice)))
        page.show_figure(
            figure, "tradeoff", _alt(choice), on_select=partial(_take_clicked, table), selection_mode="points"
        )
    figure_hands.watch(partial(view.lost_at, table))
    with st.container(horizontal=True, vertical_alignment="center"):
        kinds = {"all": "All candidates", "steps": f"At {steps} steps", "front": "Front only"}
        page.choice("Candidates shown", kinds, "show", label_visibility="collapsed")
        neighbours.buttons(table, current, choice.axis)
        page.choice("Height", tradeoff.HEIGHTS, "height", label_visibility="collapsed")
        if hidden := tradeoff.below_view(shown, view):
            st.toggle(f"The {hidden} far below too", **url_state.bound("far"))


def _shown(table: pd.DataFrame, show: str, steps: int) -> pd.Series:
    if show == "all":
        return pd.Series(True, index=table.index)
    always = table["on_front"] | table["reference"]
    return always | (table["steps"] == steps) if show == "steps" else always


def _emphasised(table: pd.DataFrame, show: str, steps: int) -> pd.Series:
    return table["on_front"] | (table["steps"] == steps) if show == "steps" else table["on_front"]


def _alt(choice: Choice) -> str:
    counts = choice.verdicts["verdict"].value_counts()
    told = ", ".join(f"{counts.get(name, 0)} {name}" for name in ("pass", "undecided", "fail"))
    return (
        f"Points lost against cost of {len(choice.verdicts)} candidates ({told}). Chosen: pattern "
        f"{choice.pattern} at {choice.steps} steps, {choice.speed_up:.1f} times faster than the full pattern."
    )


def _take_clicked(table: pd.DataFrame) -> None:
    clicked: list[dict[str, Any]] = st.session_state["tradeoff"].selection.points
    if clicked and (carried := clicked[0].get("customdata")):  # numbers by their places, where they came packed
        neighbours.take(table.loc[int(carried["0"] if isinstance(carried, dict) else carried[0])])
