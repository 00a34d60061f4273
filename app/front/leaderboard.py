"""Every measured study in a row: what its choice gains and loses, and what others report. Plain HTML, links inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from urllib.parse import quote

import streamlit as st

from app.figures.lamps import lamps
from app.figures.palette import Palette
from app.shared import caveats, page, selection_cache, selection_controls, study_cache
from lambda_core.analysis import Literature, literature_for
from lambda_core.errors import LambdaError
from lambda_core.formatting import interval, number, percent, points, times, times_between
from lambda_core.patterns import describe_pattern
from lambda_core.selection import FOR_WHOM, Choice, Confirmation, Interval
from lambda_core.studies import Study

MARKS = {"pass": ("✓", "confirmed"), "undecided": ("?", "not decided"), "fail": ("✗", "refuted")}
WIDEST = 4.0  # points on either side of zero that the bars of the losses show


@dataclass(frozen=True, eq=False)
class Row:
    """A study, its choice at the present threshold and what test classes say of it.

    full: accuracy of all layers on test classes, 0 to 1.
    """

    study: Study
    choice: Choice
    seen: Confirmation
    full: Interval
    literature: Literature | None

    @property
    def rank(self) -> tuple[bool, float]:
        """Confirmed choices first, the fastest on top."""
        return self.seen.verdict != "pass" or self.choice.is_reference, -self.choice.speed_up


def show() -> None:
    """The table; under it the studies that have no row, with the reason."""
    rows, notes = _rows()
    if not rows:
        return
    threshold, sure = points(rows[0].choice.threshold), percent(rows[0].choice.confidence)
    st.subheader("Studies", anchor=False)
    st.caption(
        f"In each the fastest pattern shown to lose at most {threshold}, chosen on validation classes; points lost on "
        f"unseen test classes, each end {sure} sure {FOR_WHOM}, ✓ confirmed there. Speed-ups are over all layers for "
        "the steps of the training, on other images for as many as were measured. A name leads to all of its numbers."
    )
    st.html(table(rows, page.colors()))
    for note in notes:
        st.caption(note)


def _rows() -> tuple[list[Row], list[str]]:
    rows, notes = [], []
    for study in study_cache.studies()[0].values():
        if study.config.ways == 1:
            continue  # a regression: nothing is chosen
        try:
            rows.append(_row(study))
        except LambdaError as error:
            notes.append(page.sentence_of(error))
    return sorted(rows, key=lambda row: row.rank), notes


def _row(study: Study) -> Row:
    """Raises LambdaError where the study's tables cannot answer."""
    study.times()
    common = replace(selection_controls.common_settings(), axis="milliseconds", any_lr=False, memory=None)
    usual = next(iter(study_cache.conditions(study).values()))
    choice, seen = selection_cache.choose(study, replace(common, condition=usual))
    return Row(study, choice, seen, selection_cache.full_accuracy(study), literature_for(study))


HEADS = ("Study", "All layers, test", "Literature", "Choice", "Speed-up", "Points lost on unseen classes")


def table(rows: list[Row], colors: Palette) -> str:
    """The rows as HTML."""
    fastest = max(row.choice.speed_up for row in rows if row.choice.speed_up < float("inf"))
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    body = "".join(f"<tr>{''.join(_cells(row, fastest, colors))}</tr>" for row in rows)
    return f'<table class="ll-board"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def _cells(row: Row, fastest: float, colors: Palette) -> Iterator[str]:
    study, seen, known = row.study, row.seen, row.literature
    link = f'<a href="explore?study={quote(study.name)}">{escape(study.title)}</a>'
    note = f"<small>{escape(caveats.caveat(study))}</small>" if caveats.caveat(study) else ""
    yield f'<th scope="row">{link}{note}</th>'
    yield _cell(HEADS[1], f"{100 * row.full.estimate:.1f} ± {100 * row.full.half_width:.1f} %")
    yield _cell(HEADS[2], _literature(known))
    if row.choice.is_reference:
        yield _cell(HEADS[3], "all layers", 'colspan="3"', "nothing faster is shown to pass")
        return
    yield _cell(HEADS[3], _choice(row))
    yield _cell(HEADS[4], _speed(row.choice, fastest, colors))
    yield _cell(HEADS[5], _lost(seen, colors))


def _cell(head: str, inside: str, more: str = "", note: str = "") -> str:
    # the head again: on a phone each row is a card
    small = f" <small>{note}</small>" if note else ""
    return f'<td data-head="{head}" {more}>{inside}{small}</td>'


def _literature(known: Literature | None) -> str:
    if known is None:
        return "–"
    return f'<span title="{escape(known.source)}">{known.accuracy} ± {known.margin} %</span>'


def _choice(row: Row) -> str:
    words = describe_pattern(row.choice.pattern, row.study.layers)
    return (
        f'<span title="{escape(words)}"><b class="ll-lamps">{lamps(row.choice.pattern)}</b> × {row.choice.steps}</span>'
    )


def _speed(choice: Choice, fastest: float, colors: Palette) -> str:
    if choice.speed_up == float("inf"):
        return "nothing is spent"
    width = f"width:{100 * choice.speed_up / fastest:.1f}%;background:{colors.accent}"
    between = (
        f"<small>{times_between(choice.speed.low, choice.speed.high)}</small>"
        if choice.speed.high < float("inf")
        else ""
    )
    return f'<b>{times(choice.speed_up)}</b> {between}<span class="ll-speed"><i style="{width}"></i></span>'


def _lost(seen: Confirmation, colors: Palette) -> str:
    estimate, low, high = seen.degradation
    sign, words = MARKS[seen.verdict]
    color = colors.verdict(seen.verdict)
    left, right = _place(low), _place(high)
    bar = (
        f'<span class="ll-lost" aria-hidden="true">'
        f'<i style="left:{left}%;width:{right - left:.1f}%;background:{color}"></i>'
        f"{_mean(estimate, color)}</span>"
    )
    said = f'<span style="color:{color}" title="{words}">{sign}<span class="ll-unseen"> {words}</span></span>'
    return f"<b>{number(estimate)}</b> <small>{interval(low, high)}</small> {said}{bar}"


def _mean(lost: float, color: str) -> str:
    """A dot; an arrow at the end of the bar where the mean lies beyond it."""
    if abs(lost) > WIDEST:
        side, arrow = ("right", "▸") if lost > 0 else ("left", "◂")
        return f'<em style="{side}:0;color:{color}">{arrow}</em>'
    return f'<b style="left:{_place(lost)}%;background:{color}"></b>'


def _place(lost: float) -> float:
    """Points lost → percent of the bar's place."""
    return round(50 + 50 * min(max(lost / WIDEST, -1), 1), 1)
