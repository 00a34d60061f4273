"""Every job that was started, the latest first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import streamlit as st

from app.figures import job_progress
from app.run import forms
from app.run.forms import WORK
from app.shared import page, study_cache, url_state
from lambda_core.errors import LambdaError
from lambda_core.jobs import Job, list_jobs

POLL = 2.0  # seconds
ICONS = {
    "running": "autorenew",
    "done": "check_circle",
    "failed": "error",
    "cancelled": "cancel",
    "stopped": "pause_circle",
}
COLORS: dict[str, Literal["blue", "green", "red", "gray", "orange"]] = {
    "running": "blue",
    "done": "green",
    "failed": "red",
    "cancelled": "gray",
    "stopped": "orange",
}


def show() -> None:
    """While a job runs, this part looks anew every other second."""
    st.header("Jobs", anchor=False)
    busy = any(job.state == "running" for job in list_jobs())
    st.fragment(_jobs, run_every=POLL if busy else None)(busy)


def _jobs(busy: bool) -> None:
    jobs = list_jobs()
    if busy != any(job.state == "running" for job in jobs):
        url_state.rerun()  # the clock starts or stops, and there is a new study to choose
    if not jobs:
        nothing = "Nothing was started yet. A glyph model from scratch takes about two minutes."
        st.info(nothing, icon=":material/science:")
    for job in jobs[:10]:
        with st.container(border=True, key=f"job-{job.id}"):
            _job(job)


def _job(job: Job) -> None:
    state, records = job.state, job.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{WORK[job.command]} · {job.study}**")
        st.badge(state, icon=f":material/{ICONS[state]}:", color=COLORS[state])
        st.caption(job.created.replace("T", " ").replace("+00:00", " UTC"))
    if records:
        last = records[-1]
        st.progress(min(1.0, last["done"] / max(last["total"], 1)), _how_far(last, state))
        _curve(job, records)
    if state in ("failed", "done") and job.last_message:
        (st.error if state == "failed" else st.success)(job.last_message)
    _buttons(job, state)
    with st.expander("Log"):
        st.code(job.log[-6000:] or "nothing yet", language=None, height=220)


def _how_far(last: dict[str, Any], state: str) -> str:
    left = last.get("left_s")
    time_left = f", {_duration(left)} left" if state == "running" and isinstance(left, (int, float)) else ""
    return f"{last['what']}: {last['done']} of {last['total']}{time_left}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _curve(job: Job, records: list[dict[str, Any]]) -> None:
    if job.command == "train" and len(records) > 1:
        figure = job_progress.curve(records, page.colors())
        page.show_figure(figure, f"curve-{job.id}", "Accuracy or loss so far", static=True)


def _buttons(job: Job, state: str) -> None:
    with st.container(horizontal=True):
        if state == "running":
            _button(job, "Cancel", "stop", partial(_try, job.cancel))
            return
        if state == "done":
            _next_step(job)
            _button(job, "Look at the study", "scatter_plot", partial(_look_at, job.study))
        else:
            _button(job, "Resume", "play_arrow", partial(_try, job.resume))
        _button(job, "Forget", "delete", partial(_try, job.remove), "Removes the job and its log; the study stays")
    if error := st.session_state.pop("job-error", None):
        st.error(page.sentence_of(error), icon=":material/error:")


def _next_step(job: Job) -> None:
    """The one thing that the study needs next, as a button."""
    study = study_cache.studies()[0].get(job.study)
    if study is None or (work := forms.next_work(study)) is None:
        return
    label = {"sweep": "Next: measure its accuracies", "time": "Next: measure its times"}[work]
    _button(job, label, "arrow_forward", partial(_try, partial(forms.start_next, study)))


def _button(job: Job, label: str, icon: str, click: Callable[[], None], help_text: str | None = None) -> None:
    st.button(label, key=f"{label}-{job.id}", icon=f":material/{icon}:", on_click=click, help=help_text)


def _try(action: Callable[[], object]) -> None:
    try:
        action()
    except (LambdaError, OSError) as error:
        st.session_state["job-error"] = error


def _look_at(study: str) -> None:
    url_state.put(study=study)
    st.switch_page("explore/page.py")
