"""The parts of the Compare page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.figures import comparison
from app.figures.palette import Palette
from app.shared import page, selection_cache, study_cache, url_state
from lambda_core.analysis import judge_transfer
from lambda_core.formatting import interval, number, percent, points, times, with_interval
from lambda_core.patterns import describe_pattern
from lambda_core.selection import Choice
from lambda_core.studies import Study

SHADES = {"degradation": "Degradation", "accuracy": "Accuracy", "speed_up": "Speed-up"}


def studies_picker() -> list[Study]:
    """The measured studies to compare, the threshold beside; stops the page where none is measured."""
    shelf, _ = study_cache.shelf()
    measured_ones = {name: study for name, study in shelf.items() if study.measured}
    if not measured_ones:
        st.info(
            "No study is measured yet. `lambda-core sweep` and `lambda-core time` do it.",
            icon=":material/hourglass_empty:",
        )
        page.done()
    one, two, three = st.columns([2.4, 1.6, 0.6], gap="medium", vertical_alignment="bottom")
    with one:
        names = _picked(measured_ones)
    with two:
        page.threshold_slider()
    with three.container(horizontal=True, horizontal_alignment="right"):
        page.copy_link()
    return [measured_ones[name] for name in names]


def _picked(shelf: dict[str, Study]) -> list[str]:
    asked = (url_state.value("studies") or "").split(",") if url_state.value("studies") else _unlike(shelf)
    known = [name for name in asked if name in shelf] or list(shelf)[:1]
    if unknown := [name for name in asked if name not in shelf]:
        url_state.put("studies", ",".join(known))
        st.warning(f"No measured study is named {', '.join(unknown)}; left out.", icon=":material/link_off:")
    st.session_state["studies-control"] = known
    st.multiselect("Studies", list(shelf), key="studies-control", on_change=_studies_taken,
                   max_selections=6)  # fmt: skip
    return known


def _unlike(shelf: dict[str, Study]) -> list[str]:
    """The first study, and the first of other data, if there is one: those say most side by side."""
    first, *others = shelf
    data = shelf[first].config.dataset
    return [first, *sorted(others, key=lambda name: shelf[name].config.dataset == data)[:1]]


def _studies_taken() -> None:
    url_state.put("studies", ",".join(st.session_state["studies-control"]) or None)


def _choice(study: Study) -> Choice:
    timing = next(iter(study_cache.timings(study)))
    return selection_cache.choose(
        study, timing, url_state.value("axis"), False, url_state.value("threshold"), url_state.value("confidence")
    )[0]


def heat_maps(studies: list[Study], colors: Palette) -> None:
    """Every pattern at every step count, as shades; a mark where it passes."""
    st.segmented_control("Shade", list(SHADES), format_func=SHADES.get, required=True, **url_state.bound("shade"))
    shade = url_state.value("shade")
    for row in range(0, len(studies), 2):
        for column, study in zip(st.columns(2, gap="medium"), studies[row : row + 2], strict=False):
            figure = comparison.heat(_choice(study).verdicts, shade, colors)
            column.markdown(_titled(study))
            with column:
                alt = f"{SHADES[shade]} by pattern and steps, {study.title}"
                page.figure(figure, f"heat-{study.name}", alt)
    st.caption(
        "● passes at the threshold above. Rows: patterns, those that reach deepest first, those without the head last; "
        "1 is an updated layer. Degradation is shaded up to 10 points. Validation classes."
    )


def episode_by_episode(studies: list[Study], colors: Palette) -> None:
    """How a candidate differs from the full pattern in each episode: why pairing shows what means hide."""
    layers = studies[0].layers
    same = [study for study in studies if study.layers == layers]
    choice = _choice(same[0])
    pattern = page.pattern_of("pattern", layers, choice.pattern)
    with st.container(border=True):
        st.markdown(f"**Pattern** · {describe_pattern(str(pattern), layers)}")
        page.pattern_editor("pattern", layers, pattern, 1)
        most = min(int(study.accuracy["steps"].max()) for study in same)
        steps = page.steps_of("steps", min(choice.steps, most), most)
        st.slider("Inner steps", 0, most, **url_state.bound("steps", steps))
    for study in same:
        _differences(study, selection_cache.find(_choice(study).verdicts, pattern, steps, study.config.lr), colors)


def _differences(study: Study, row: pd.Series | None, colors: Palette) -> None:
    if row is None:
        st.info(f"{study.title}: this pattern was not measured.", icon=":material/straighten:")
        return
    values = selection_cache.differences(study, row)
    st.markdown(f"{_titled(study)}: {_in_words(row, len(values))}")
    figure = comparison.differences(values, row, url_state.value("threshold"), colors)
    page.figure(figure, f"differences-{study.name}", f"Differences by episode, {study.title}")


def _titled(study: Study) -> str:
    """Two studies may have the same title; their names differ."""
    return f"**{study.title}** · {study.name}"


def _in_words(row: pd.Series, episodes: int) -> str:
    between = interval(row["degradation_low"], row["degradation_high"])
    mean = f"{number(row['degradation'])} points below full on average ({between})"
    return f"{mean} over {episodes} episodes: {row['verdict']}"


def first_steps(studies: list[Study], confidence: float, colors: Palette) -> None:
    """After one inner step: the full pattern against the best other one, study by study."""
    rows = {study.name: selection_cache.first_steps(study, url_state.value("lrs"), confidence)[0] for study in studies}
    alt = "Accuracy after one step, full pattern and best other pattern by study"
    page.figure(comparison.one_step(rows, colors), "one-step", alt)
    table = [
        (name, row.pattern, f"{row.full_accuracy:.1%}", f"{row.accuracy:.1%}", number(row.gain),
         interval(row.gain_low, row.gain_high), "yes" if row.better else "not shown")
        for name, row in rows.items()
    ]  # fmt: skip
    names = ["Study", "Best pattern", "Full", "Best", "Gain, points", percent(confidence), "Better than full"]
    st.dataframe(pd.DataFrame(table, columns=names), hide_index=True, alt="Accuracy after one step")
    st.caption("Best pattern: picked on validation classes, reported on test classes, episode by episode.")


def transfer_table(studies: list[Study]) -> None:
    """Chosen on one study (rows), judged on another's test classes (columns)."""
    choices = {study.name: _choice(study) for study in studies}
    rows = [
        {"Chosen on": study.name, "Pattern": f"{choices[study.name].pattern}, {choices[study.name].steps} steps",
         "Speed-up there": times(choices[study.name].speed_up)}
        | {f"On {other.name}": _judged(choices[study.name], study, other) for other in studies}
        for study in studies
    ]  # fmt: skip
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Transfer of chosen patterns between studies")
    st.caption(
        f"Degradation in points on test classes, and whether it stays within {points(url_state.value('threshold'))}: one "
        "look each, uncorrected. Pattern and step count travel; the step size is each study's own. `lambda-core "
        "transfer` prints the same verdicts."
    )


def _judged(choice: Choice, there: Study, here: Study) -> str:
    seen = judge_transfer(choice, here) if there.layers == here.layers else None
    if seen is None:
        return "not measured"
    return f"{seen.verdict}: {with_interval(seen.degradation, seen.low, seen.high)}"
