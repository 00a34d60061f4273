"""The parts of the Explore page, from the sentence at the top to the tabs below."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import streamlit as st

from app.explore import export
from app.figures import tradeoff as figures_tradeoff
from app.figures.palette import ICONS, Palette
from app.shared import page, selection_cache, url_state
from lambda_core.formatting import interval, number, percent, times, with_interval
from lambda_core.patterns import LambdaPattern, describe_pattern, plan_adaptation
from lambda_core.selection import Choice, Confirmation, PatternGain, sentence
from lambda_core.studies import Study

BADGE_COLORS = {"pass": "green", "undecided": "orange", "fail": "red"}


def headline(study: Study, choice: Choice, confirmation: Confirmation) -> None:
    """What was chosen, how much faster, at what loss; confirmed or not on unseen classes."""
    with st.container(key="headline"):
        st.markdown(sentence(choice, confirmation, study.layers))
        with st.container(horizontal=True, gap="small"):
            _promise_badge(choice)
            _confirmation_badge(confirmation)


def _promise_badge(choice: Choice) -> None:
    if choice.is_reference:
        st.badge("nothing faster is shown to be within your budget", icon=":material/info:", color="gray")
        return
    sure = percent(choice.confidence)
    words = f"within your {choice.threshold:g}-point budget, {sure} sure"
    st.badge(words, icon=ICONS["pass"], color="green")


def _confirmation_badge(seen: Confirmation) -> None:
    words = {"pass": "confirmed on", "undecided": "not decided on", "fail": "not confirmed on"}[seen.verdict]
    loss = with_interval(seen.degradation, seen.low, seen.high)
    st.badge(f"{words} unseen test classes: {loss}", icon=ICONS[seen.verdict], color=BADGE_COLORS[seen.verdict])


def tradeoff(
    table: pd.DataFrame, axis: str, choice: Choice, current: pd.Series | None, steps: int, colors: Palette
) -> None:
    """The figure; a click on a candidate makes it the current one."""
    show = url_state.value("show")
    kept = table[_kept(table, show, steps)].reset_index(drop=True)
    figure = figures_tradeoff.tradeoff(
        kept, axis=axis, threshold=choice.threshold, loud=_loud(kept, show, steps),
        marks=figures_tradeoff.usual_marks(table, choice, current, colors), colors=colors,
    )  # fmt: skip
    page.figure(figure, "tradeoff", _alt(choice, table), on_select=_clicked, selection_mode="points")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Candidates shown", ["all", "steps", "front"], required=True, label_visibility="collapsed",
            format_func={"all": "All candidates", "steps": f"At {steps} steps", "front": "Front only"}.get,
            **url_state.bound("show"),
        )  # fmt: skip
        if hidden := figures_tradeoff.below_view(kept, choice.threshold):
            st.caption(f"{hidden} candidates lie below this view; double-click the figure to see all.")


def _kept(table: pd.DataFrame, show: str, steps: int) -> np.ndarray:
    always = table["on_front"] | table["reference"]
    if show == "all":
        return np.ones(len(table), dtype=bool)
    return (always | (table["steps"] == steps) if show == "steps" else always).to_numpy()


def _loud(table: pd.DataFrame, show: str, steps: int) -> np.ndarray:
    strong = table["on_front"] if show != "steps" else table["on_front"] | (table["steps"] == steps)
    return strong.to_numpy()


def _alt(choice: Choice, table: pd.DataFrame) -> str:
    counts = table["verdict"].value_counts()
    told = ", ".join(f"{counts.get(name, 0)} {name}" for name in ("pass", "undecided", "fail"))
    return (
        f"Accuracy against adaptation time of {len(table)} candidates ({told}). Chosen: pattern {choice.pattern} at "
        f"{choice.steps} steps, {choice.speed_up:.1f} times faster than the full pattern."
    )


def _clicked() -> None:
    clicked = st.session_state["tradeoff"].selection.points
    if clicked and clicked[0].get("customdata"):
        pattern, steps, lr = list(clicked[0]["customdata"])[:3]
        url_state.put("pattern", str(pattern))
        url_state.put("steps", int(steps))
        url_state.put("lr", float(f"{float(lr):.6g}"))


def pattern_card(
    study: Study, table: pd.DataFrame, pattern: LambdaPattern, steps: int, current: pd.Series | None, colors: Palette
) -> None:
    """The current pattern: its toggles, its steps, what was measured on it, where its time goes."""
    st.markdown(f"**Current pattern** · {describe_pattern(str(pattern), study.layers)}")
    page.pattern_editor("pattern", study.layers, pattern, steps, ("Chosen", "Back to the chosen one", _follow_choice))
    left, right = st.columns([1.4, 1], gap="medium")
    with left:
        st.slider("Inner steps", 0, int(table["steps"].max()), **url_state.bound("steps", steps))
    with right:
        page.pattern_text("pattern", study.layers, pattern)
    found = selection_cache.searched(study, pattern, steps) if current is None else None
    if current is not None:
        _numbers(current, "Speed-up", "time of the full pattern / time of this one")
    elif found is not None:
        _numbers(found, "Cheaper", "multiply-adds of the full pattern / of this one: searched, but not timed")
    else:
        st.info("This pattern differs from step to step and was not measured in this study's sweep. "
                "Its cost below is counted; Live runs it.", icon=":material/straighten:")  # fmt: skip
    if study.layer_costs:
        figure = figures_tradeoff.cost_bars(_plans(study, pattern, steps), study.layers, colors)
        page.figure(figure, "costs", "Multiply-adds by layer, full and current", still=True)


def _follow_choice() -> None:
    for field in ("pattern", "steps", "lr"):
        url_state.put(field, None)


def _numbers(row: pd.Series, gain: str, gain_is: str) -> None:
    one, two, three = st.container(key="numbers").columns([1, 1, 1.35], wrap=False, gap="xsmall")
    one.metric(gain, times(row["speed_up"]), help=gain_is)
    two.metric("Accuracy", f"{row['accuracy']:.1%}", help="mean over the validation episodes")
    three.metric("Degradation", number(row["degradation"]), help="percentage points below the full pattern")
    loss = f"{interval(row['degradation_low'], row['degradation_high'])} points lower"
    st.badge(f"{row['verdict']} · {loss}", icon=ICONS[row["verdict"]], color=BADGE_COLORS[row["verdict"]])


def _plans(study: Study, pattern: LambdaPattern, steps: int) -> dict[str, np.ndarray]:
    full = LambdaPattern.named("maml", len(study.layers))
    return {
        f"full, {study.config.steps} steps": _layer_cost(study, full, study.config.steps),
        f"current, {steps} steps": _layer_cost(study, pattern, steps),
    }


def _layer_cost(study: Study, pattern: LambdaPattern, steps: int) -> np.ndarray:
    if steps == 0:  # a plan without steps knows no layers
        return np.zeros(len(study.layers))
    return plan_adaptation(pattern, steps, study.layer_costs).cost.sum(axis=0)


def table_tab(table: pd.DataFrame, name: str) -> None:
    """All candidates, to filter, sort and download."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        verdicts = _verdict_filter()
        text = _pattern_filter()
        front = st.checkbox("Front only", **url_state.bound("front"))
    kept = _filtered(table, verdicts, text, front)
    st.dataframe(_columns(kept), hide_index=True, column_config=_COLUMN_CONFIG, height=380, alt="All candidates")
    st.caption(f"{len(kept)} of {len(table)} candidates. Validation classes; a click on a column's head sorts.")
    with st.container(horizontal=True):
        st.download_button("CSV", lambda: kept.to_csv(index=False), f"{name}-candidates.csv", "text/csv",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
        st.download_button("Parquet", lambda: _parquet(kept), f"{name}-candidates.parquet",
                           icon=":material/download:", on_click="ignore")  # fmt: skip


def _verdict_filter() -> list[str]:
    text = url_state.value("verdicts")
    asked = list(dict.fromkeys(text.split(","))) if text else []  # each once
    st.session_state["table-verdicts"] = asked
    st.pills("Verdict", ["pass", "undecided", "fail"], selection_mode="multi", key="table-verdicts",
             on_change=_verdicts_taken)  # fmt: skip
    return asked


def _verdicts_taken() -> None:
    url_state.put("verdicts", ",".join(st.session_state["table-verdicts"]) or None)


def _pattern_filter() -> str:
    st.session_state["table-pattern"] = url_state.value("contains") or ""
    return st.text_input("Pattern contains", key="table-pattern", placeholder="such as 0001", max_chars=40,
                         on_change=_contains_taken)  # fmt: skip


def _contains_taken() -> None:
    # a pattern is written in these three signs: whatever else was typed cannot be part of one
    url_state.put("contains", "".join(sign for sign in st.session_state["table-pattern"] if sign in "01/") or None)


def _filtered(table: pd.DataFrame, verdicts: list[str], text: str, front: bool) -> pd.DataFrame:
    kept = table["verdict"].isin(verdicts or ["pass", "undecided", "fail"])
    kept &= table["pattern"].str.contains(text, regex=False) & (table["on_front"] | (not front))
    return table[kept].reset_index(drop=True)


def _columns(table: pd.DataFrame) -> pd.DataFrame:
    shown = table[list(_COLUMN_CONFIG)].copy()
    shown["accuracy"] *= 100
    shown["speed_up"] = shown["speed_up"].replace(float("inf"), float("nan"))  # no adaptation at all: left blank
    shown["multiply_adds"] = shown["multiply_adds"] / 1e6
    return shown


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


_number = st.column_config.NumberColumn
_COLUMN_CONFIG = {
    "pattern": st.column_config.TextColumn("Pattern"),
    "steps": _number("Steps"),
    "lr": _number("Step size", format="%.3g"),
    "verdict": st.column_config.TextColumn("Verdict"),
    "speed_up": _number("Speed-up", format="%.1f×"),
    "accuracy": _number("Accuracy", format="%.2f %%"),
    "degradation": _number("Degradation", format="%+.2f", help="percentage points below the full pattern"),
    "degradation_low": _number("… from", format="%+.2f"),
    "degradation_high": _number("… to", format="%+.2f"),
    "p_adjusted": _number("p, corrected", format="%.3g", help="Holm, over all candidates"),
    "milliseconds": _number("Time", format="%.2f ms"),
    "multiply_adds": _number("Multiply-adds", format="%.1f M"),
    "on_front": st.column_config.CheckboxColumn("Front"),
}


def budget_tab(study: Study, timing: str, axis: str, any_lr: bool, choice: Choice, colors: Palette) -> None:
    """What if more were allowed?"""
    curve = selection_cache.curve(study, timing, axis, any_lr, choice.confidence)
    figure = figures_tradeoff.budget(curve, choice.threshold, colors)
    page.figure(figure, "budget", "Best speed-up as a function of the allowed degradation")
    steps = curve[curve["speed_up"].diff().fillna(0) > 0]
    if len(steps):
        st.caption("Steps at: " + "; ".join(f"{r.threshold:g} points → {r.speed_up:.1f}×" for r in steps.itertuples()))


def one_step_tab(study: Study, any_lr: bool, confidence: float, colors: Palette) -> None:
    """The paper's second finding: accuracy after few steps depends on the pattern."""
    found = selection_cache.first_steps(study, any_lr, confidence)
    alt = "Accuracy on test classes by step count: full pattern and best other pattern"
    page.figure(figures_tradeoff.first_steps(found, colors), "first", alt)
    st.caption(_one_step_sentence(found[0], study))


def _one_step_sentence(row: PatternGain, study: Study) -> str:
    best = f"{describe_pattern(row.pattern, study.layers)} (`{row.pattern}`)"
    clear = (
        "better than the full pattern, with confidence"
        if row.better
        else "not shown to be better than the full pattern"
    )
    return (
        f"After one step, updating {best} gives {row.accuracy:.1%} and the full pattern {row.full_accuracy:.1%}: "
        f"{number(row.gain)} points ({interval(row.gain_low, row.gain_high)}), {clear}. Picked on validation "
        f"classes, reported on {row.episodes} episodes of test classes."
    )


def training_tab(study: Study, colors: Palette) -> None:
    page.figure(figures_tradeoff.training(study.training, colors), "training", "Accuracy over meta-training")


def take_tab(study: Study, choice: Choice, row: pd.Series | None) -> None:
    """The current candidate as JSON and as Python."""
    if row is None:
        st.info("Choose a measured pattern first: press Chosen, or click a candidate in the figure.")
        return
    pattern, steps = row["pattern"], int(row["steps"])
    code = export.as_python(study, pattern, steps, row["lr"], describe_pattern(pattern, study.layers))
    data = export.as_json(study, row, choice.threshold, choice.confidence)
    left, right = st.columns([1.6, 1])
    with left:
        st.markdown("**Python** that adapts the study's model under this pattern")
        st.code(code, language="python", wrap_lines=True)
        st.download_button("Save as Python", code, f"{study.name}-adapt.py", "text/x-python",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
    with right:
        st.markdown("**JSON** with the measured numbers")
        st.code(data, language="json", height=380)
        st.download_button("Save as JSON", data, f"{study.name}-pattern.json", "application/json",
                           icon=":material/download:", on_click="ignore")  # fmt: skip
