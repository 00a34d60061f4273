"""Why a number says what it says: a badge opens its paired differences, correction, rivals and command."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.explore.paired_picture import paired_picture
from app.explore.verdict_badge import ICONS
from app.figures.lamps import lamps
from app.shared import job_words, page, selection_cache
from lambda_core.config import SweepConfig
from lambda_core.formatting import interval, number, percent, points, times
from lambda_core.jobs import read_only, start_job
from lambda_core.selection import Choice, Confirmation, Floats, Interval, Populations, candidate_index, needed_for
from lambda_core.studies import Study

RIVALS = 4  # named at most


def badge(verdict: str, text: str, key: str, tell: Callable[[], None]) -> None:
    """A verdict to open; what it tells is worked out only then. verdict: pass, undecided or fail."""
    opened = st.popover(
        text, icon=ICONS[verdict], type="tertiary", wrap=True, key=f"why-{verdict}-{key}", on_change="rerun"
    )
    if opened.open:
        with opened, page.guarded():
            tell()


def of_choice(study: Study, choice: Choice) -> None:
    """Why the chosen candidate passes, and why it and no other."""
    row = choice.verdicts.iloc[candidate_index(choice.verdicts, choice.candidate)]
    _of_row(study, choice, row)
    st.markdown(_rivals(choice, row))
    _commands(_select(study, choice))


def of_candidate(study: Study, choice: Choice, row: pd.Series) -> None:
    """Why any candidate passes or not; where that is open, what would decide. row: of `Choice.verdicts`."""
    lost = _of_row(study, choice, row)
    if row["verdict"] == "undecided":
        _what_decides(study, lost, choice.threshold, float(row["degradation_high"]))
    _commands(_select(study, choice))


def of_confirmation(study: Study, choice: Choice, seen: Confirmation) -> None:
    """What test classes say of the choice, and what would decide where that is open."""
    row = choice.verdicts.iloc[candidate_index(choice.verdicts, choice.candidate)]
    lost = selection_cache.paired_differences(study, row, "test")
    _picture(lost, seen.degradation, choice.threshold)
    others = "the only one" if seen.claims == 1 else f"one of {seen.claims}"
    st.markdown(
        f"**{len(lost)} episodes of unseen test classes**, each adapted with all layers and with {_name(row)}: "
        f"{_mean(seen.degradation)}. Each end is {percent(choice.confidence)} sure: it is corrected for "
        f"{others} that some threshold would choose, and holds at any number of episodes."
    )
    if seen.verdict == "undecided":
        _what_decides(study, lost, choice.threshold, seen.degradation.high)
    _commands(_select(study, choice))


def _of_row(study: Study, choice: Choice, row: pd.Series) -> Floats:
    """The paired differences of a candidate, shown and returned."""
    lost = selection_cache.paired_differences(study, row, "val")
    bounds = Interval(*(float(row[f"degradation{end}"]) for end in ("", "_low", "_high")))
    _picture(lost, bounds, choice.threshold)
    st.markdown(
        f"**{len(lost)} validation episodes**, each adapted with all layers and with {_name(row)}: {_mean(bounds)}; in "
        f"{row['differing']} of them the two differ.\n\n"
        f"**Corrected for {choice.candidates} candidates** looked at: their bounds all hold at once, with "
        f"{percent(choice.confidence)} confidence, whatever the threshold. If it lost more than "
        f"{points(choice.threshold)}, it would look so good with a chance of at most {row['p_adjusted']:.2g}."
    )
    return lost


def _picture(lost: Floats, bounds: Interval, threshold: float) -> None:
    alt = f"Histogram of points lost in {len(lost)} episodes: {_mean(bounds)}; allowed: {points(threshold)}"
    st.html(paired_picture(lost, bounds, threshold, alt, page.colors()))


def _mean(bounds: Interval) -> str:
    return f"{number(bounds.estimate)} points lost on average ({interval(bounds.low, bounds.high)})"


def _name(row: pd.Series) -> str:
    return f"{lamps(row['pattern'])} × {row['steps']}"


def _rivals(choice: Choice, chosen: pd.Series) -> str:
    """Those that pass and that the times cannot tell from the chosen one."""
    table = choice.verdicts
    rivals = table[(table["verdict"] == "pass") & (table["speed_up_high"] >= chosen["speed_up_low"])]
    rivals = rivals.drop(index=chosen.name).sort_values("degradation_high")
    if rivals.empty:
        return "**No rival**: none that passes could be as fast."
    named = ", ".join(f"{_name(row)} ({times(row['speed_up'])})" for _, row in rivals.head(RIVALS).iterrows())
    more = f" and {len(rivals) - RIVALS} more" if len(rivals) > RIVALS else ""
    return (
        f"**Tied rivals**: {named}{more} pass too and may be as fast; of those that tie, the smallest bound wins. "
        f"The chance that it is within 5 % of the fastest that passes: {choice.near_fastest:.0%}."
    )


def _what_decides(study: Study, lost: Floats, threshold: float, high: float) -> None:
    """How many episodes there would have to be, the command for them, and a button that runs it."""
    seen = Populations.of(lost[None])
    mean = seen.episodes.estimate
    episodes = needed_for(seen, abs(threshold - mean), high - mean).episodes
    if episodes is None or study.sweep_config is None:
        st.markdown("**What would decide**: its mean lies on the threshold, so no number of episodes does.")
        return
    st.markdown(
        f"**What would decide**: about {episodes:,} episodes a split, if it goes on like this ({len(lost):,} now)."
    )
    config = study.sweep_config.but(episodes=episodes)
    _commands(job_words.command("sweep", study.name, config))
    if not read_only():
        st.button("Sweep them now", icon=":material/play_arrow:", on_click=_sweep, args=(study.name, config))


def _sweep(study: str, config: SweepConfig) -> None:
    with page.guarded():
        start_job(["sweep", job_words.place(study), *job_words.as_options(config)], study)
        st.toast("The sweep has started: Run shows how far it is", icon=":material/play_arrow:")


def _select(study: Study, choice: Choice) -> str:
    axis = "" if choice.axis == "milliseconds" else f" --axis {choice.axis}"
    any_lr = " --any-lr" if choice.verdicts["lr"].nunique() > 1 else ""
    asked = f"--threshold {choice.threshold:g} --confidence {choice.confidence:g}"
    return f"lambda-core select {study.name} {asked}{axis}{any_lr} --explain"


def _commands(text: str) -> None:
    st.code(text, language=None, wrap_lines=True)
