"""The parts of the Run page: a form made from the config dataclasses, and the jobs that were started."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import streamlit as st

from app.figures import job_progress
from app.shared import page, study_cache, url_state
from lambda_core.config import RECIPES, MetaTrainConfig, Settings, SweepConfig, TimingConfig, kind
from lambda_core.errors import LambdaError
from lambda_core.jobs import Job, JobError, list_jobs, start_job
from lambda_core.studies import check_name, studies_root

WORK = {"train": "Meta-train", "sweep": "Sweep", "time": "Time"}
CONFIGS: dict[str, type[Settings]] = {"train": MetaTrainConfig, "sweep": SweepConfig, "time": TimingConfig}
# name in the address -> (what it is, settings that differ from the data set's recipe)
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "glyphs-quick": ("Glyphs in about two minutes", {
        "dataset": "glyphs", "iterations": 400, "order": "first", "meta_batch": 4, "validate_every": 50,
        "validation_episodes": 40,
    }),
    "glyphs": ("Glyphs, to convergence", {"dataset": "glyphs"}),
    "sinusoid": ("Sine curves", {"dataset": "sinusoid"}),
    "cifar-fs-5w1s": ("CIFAR-FS, 5-way 1-shot", {"dataset": "cifar-fs"}),
}  # fmt: skip
ICONS = {
    "running": "autorenew",
    "done": "check_circle",
    "failed": "error",
    "cancelled": "cancel",
    "stopped": "pause_circle",
}
COLORS = {"running": "blue", "done": "green", "failed": "red", "cancelled": "gray", "stopped": "orange"}
POLL = 2.0  # seconds


def new_job() -> None:
    """What to do, with which settings, on which study."""
    st.header("Start work", anchor=False)
    st.segmented_control("Work", list(WORK), format_func=WORK.get, required=True, label_visibility="collapsed",
                         **url_state.bound("work"))  # fmt: skip
    if url_state.value("work") == "train":
        _train_form()
    else:
        _measure_form(url_state.value("work"))


def _train_form() -> None:
    preset = st.selectbox("Start from", list(PRESETS), format_func=lambda name: PRESETS[name][0],
                          **url_state.bound("preset"))  # fmt: skip
    chosen = PRESETS[preset][1]
    defaults = RECIPES.get(chosen["dataset"], {}) | chosen
    with st.form("train-form", border=True):
        name = st.text_input("Name of the new study", f"my-{chosen['dataset']}", max_chars=64,
                             help="small letters, digits and hyphens")  # fmt: skip
        values = {"dataset": _dataset(chosen["dataset"], preset)} | _inputs(MetaTrainConfig, defaults, preset)
        if st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:"):
            _start_training(name, values)


def _dataset(name: str, preset: str) -> str:
    names = study_cache.data_sets()
    if name not in names:
        st.caption(f"{name} is not at hand: `lambda-core data fetch {name}` gets it.")
    return st.selectbox("Data set", names, names.index(name) if name in names else 0, key=f"{preset}-dataset")


def _measure_form(work: str) -> None:
    shelf, _ = study_cache.shelf()
    fitting = [name for name, study in shelf.items() if study.config.ways > 1]
    if not fitting:
        st.info("There is no study to measure yet: train one first.", icon=":material/folder_open:")
        return
    with st.form(f"{work}-form", border=True):
        name = st.selectbox(
            "Study", fitting, format_func=lambda name: f"{shelf[name].title} ({name})", key=f"{work}-study"
        )
        values = _inputs(CONFIGS[work], {}, work)
        if st.form_submit_button(f"Start the {work}", type="primary", icon=":material/play_arrow:"):
            _start_measuring(work, name, values)


def _inputs(config: type[Settings], defaults: dict[str, Any], prefix: str) -> dict[str, Any]:
    """One input a setting of the dataclass, the everyday ones in view, the others folded away."""
    everyday = ("ways", "shots", "iterations", "episodes", "max_steps", "repeats")
    items = [item for item in fields(config) if item.default is not MISSING]  # type: ignore[arg-type]
    first = [item for item in items if item.name in everyday]
    values = {}
    for item, column in zip(first, st.columns(len(first)), strict=True):
        with column:
            values[item.name] = _input(item, defaults.get(item.name, item.default), prefix)
    with st.expander("All settings"):
        rest = [item for item in items if item.name not in everyday]
        values |= {item.name: _input(item, defaults.get(item.name, item.default), prefix) for item in rest}
    return values


def _input(item: Any, value: Any, prefix: str) -> Any:
    label, key, about = item.name.replace("_", " ").capitalize(), f"{prefix}-{item.name}", item.metadata
    if kind(item) is bool:
        return st.checkbox(label, value, key=key, help=about["help"])
    if about["choices"]:
        return st.selectbox(label, about["choices"], about["choices"].index(value), key=key, help=about["help"])
    if kind(item) is str:
        return st.text_input(label, value, key=key, help=about["help"], max_chars=200)
    limits = {"min_value": kind(item)(about["low"]), "max_value": kind(item)(about["high"])}
    form = {"step": 1} if kind(item) is int else {"step": value / 10 or 0.1, "format": "%g"}
    return st.number_input(label, value=value, key=key, help=about["help"], **limits, **form)


def _start_training(name: str, values: dict[str, Any]) -> None:
    try:
        check_name(name)
        config = MetaTrainConfig.from_dict(values)
        if (studies_root() / name).exists():
            raise JobError(f"a study named {name} is there already: take another name")
        start_job(["train", *_options(config), "--out", f"{studies_root().name}/{name}"], name)
        st.toast("Training has started", icon=":material/play_arrow:")
    except LambdaError as error:
        st.error(page.sentence_of(error), icon=":material/error:")


def _start_measuring(work: str, name: str, values: dict[str, Any]) -> None:
    try:
        config = CONFIGS[work].from_dict(values)
        start_job([work, f"{studies_root().name}/{name}", *_options(config)], name)
        st.toast(f"The {work} has started", icon=":material/play_arrow:")
    except LambdaError as error:
        st.error(page.sentence_of(error), icon=":material/error:")


def _options(config: Settings) -> list[str]:
    """The settings as words for the command line; those at their default are left out."""
    words = []
    for item in fields(config):  # type: ignore[arg-type]
        value, flag = getattr(config, item.name), f"--{item.name.replace('_', '-')}"
        if kind(item) is bool:
            words.append(flag if value else f"--no-{flag[2:]}")
        elif value != "":
            words += [flag, str(value)]
    return words


def jobs() -> None:
    """Every job, the latest first; while one runs, this part looks anew every other second."""
    st.header("Jobs", anchor=False)
    busy = any(job.state == "running" for job in list_jobs())
    st.fragment(_jobs, run_every=POLL if busy else None)(busy)


def _jobs(busy: bool) -> None:
    found = list_jobs()
    if busy != any(job.state == "running" for job in found):
        url_state.rerun()  # the clock starts or stops, and a new study is on the shelf
    if not found:
        st.info(
            "Nothing was started yet. A glyph model from scratch takes about two minutes.", icon=":material/science:"
        )
    for job in found[:10]:
        with st.container(border=True, key=f"job-{job.id}"):
            _job(job)


def _job(job: Job) -> None:
    state, records = job.state, job.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{WORK[job.kind]} · {job.study}**")
        st.badge(state, icon=f":material/{ICONS[state]}:", color=COLORS[state])
        st.caption(job.created.replace("T", " ").replace("+00:00", " UTC"))
    if records:
        last = records[-1]
        st.progress(min(1.0, last["done"] / max(last["total"], 1)), _progress_words(last, state))
        _curve(job, records)
    if state in ("failed", "done") and job.says:
        (st.error if state == "failed" else st.success)(job.says)
    _buttons(job, state)
    with st.expander("Log"):
        st.code(job.log[-6000:] or "nothing yet", language=None, height=220)


def _progress_words(last: dict[str, Any], state: str) -> str:
    left = last.get("left_s")
    time_left = f", {_duration(left)} left" if state == "running" and isinstance(left, (int, float)) else ""
    return f"{last['what']}: {last['done']} of {last['total']}{time_left}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _curve(job: Job, records: list[dict[str, Any]]) -> None:
    if job.kind == "train" and len(records) > 1:
        figure = job_progress.progress(records, page.colors())
        page.figure(figure, f"curve-{job.id}", "Accuracy or loss so far", still=True)


def _buttons(job: Job, state: str) -> None:
    with st.container(horizontal=True):
        if state == "running":
            st.button("Cancel", key=f"cancel-{job.id}", icon=":material/stop:", on_click=job.cancel)
            return
        if state != "done":
            st.button(
                "Resume", key=f"resume-{job.id}", icon=":material/play_arrow:", on_click=_tried, args=(job.resume,)
            )
        if state == "done":
            st.button(
                "Look at the study", key=f"look-{job.id}", icon=":material/scatter_plot:", on_click=_look, args=(job,)
            )
        st.button("Forget", key=f"forget-{job.id}", icon=":material/delete:", on_click=_tried, args=(job.remove,),
                  help="Removes the job and its log; the study stays")  # fmt: skip
    if fault := st.session_state.pop("job-fault", None):
        st.error(fault, icon=":material/error:")


def _tried(action: Any) -> None:
    try:
        action()
    except (JobError, OSError) as error:
        st.session_state["job-fault"] = page.sentence_of(error)


def _look(job: Job) -> None:
    url_state.put("study", job.study)
    st.switch_page("explore/page.py")
