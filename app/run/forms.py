"""The forms that start a job: what to do, with which settings, on which study."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.run import data_check, import_form
from app.run.presets import PRESETS
from app.run.settings_inputs import settings_inputs
from app.shared import adaptation_service, job_words, page, study_cache, url_state
from lambda_core.config import MetaTrainConfig, Settings, SweepConfig, TimingConfig
from lambda_core.jobs import JobError, start_job
from lambda_core.studies import ON, Study, check_name, studies_root

WORK = {"train": "Meta-train", "sweep": "Sweep", "time": "Time"}
JOBS = {"sweep": "the sweep", "time": "timing"}  # what a visitor starts
CONFIGS: dict[str, type[Settings]] = {"sweep": SweepConfig, "time": TimingConfig}


def new_job() -> None:
    """What to do, with which settings, on which study."""
    st.header("Start work", anchor=False)
    page.choice("Work", WORK, "work", label_visibility="collapsed")
    if url_state.value("work") == "train":
        _train_form()
    else:
        _measure_form(url_state.value("work"))


def _train_form() -> None:
    preset = st.selectbox(
        "Start from", list(PRESETS), format_func=lambda name: PRESETS[name].title, **url_state.bound("preset")
    )
    chosen = PRESETS[preset]
    import_form.show()
    dataset = _dataset(chosen.dataset, preset)
    with st.form("train-form", border=True):
        hint = "small letters, digits and hyphens"
        name = st.text_input("Name of the new study", f"my-{chosen.dataset}", max_chars=64, help=hint, key="train-name")
        values = {"dataset": dataset} | settings_inputs(MetaTrainConfig, chosen.defaults, preset)
        if st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:"):
            with page.guarded():
                _start_training(name, values)


def _dataset(name: str, preset: str) -> str:
    names = study_cache.data_sets()
    if name not in names:
        st.caption(f"{name} is not at hand: `lambda-core data fetch {name}` gets it.")
    picked = st.selectbox("Data set", names, names.index(name) if name in names else 0, key=f"{preset}-dataset")
    if picked != "sinusoid":
        st.caption(data_check.split_words(adaptation_service.dataset(picked)) + ".")
    return picked


def _measure_form(work: str) -> None:
    studies, _ = study_cache.studies()
    fitting = [name for name, study in studies.items() if study.config.ways > 1]
    if not fitting:
        st.info("There is no study to measure yet: train one first.", icon=":material/folder_open:")
        return
    with st.form(f"{work}-form", border=True):
        name = st.selectbox(
            "Study", fitting, format_func=lambda name: f"{studies[name].title} ({name})", key=f"{work}-study"
        )
        elsewhere = _other_images() if work == "sweep" else None
        shared = work == "time" and st.toggle("Even while others are at work on this machine", help=_SHARED_HELP)
        values = settings_inputs(CONFIGS[work], {}, work)
        if st.form_submit_button(f"Start {JOBS[work]}", type="primary", icon=":material/play_arrow:"):
            with page.guarded():
                _start_measuring(work, name, values, elsewhere=elsewhere, shared=shared)


_SHARED_HELP = "Else times are refused where other programs take the processor: they would be theirs, too"
OWN = "those of the study"


def _other_images() -> str | None:
    """The data set to measure on, where that is not the study's own."""
    names = [OWN, *adaptation_service.available_data_sets()]
    help_text = "Another data set makes a study of its own: the same model on other images"
    picked = st.selectbox("Images", names, key="sweep-dataset", help=help_text)
    return None if picked == OWN else picked


def _start_training(name: str, values: dict[str, Any]) -> None:
    check_name(name)
    config = MetaTrainConfig.from_dict(values)
    if (studies_root() / name).exists():
        raise JobError(f"a study named {name} is there already: take another name")
    if config.dataset != "sinusoid":
        data_check.check_fits(adaptation_service.dataset(config.dataset), config)
    start_job(["train", *job_words.as_options(config), "--out", f"{studies_root().name}/{name}"], name)
    st.toast("Training has started", icon=":material/play_arrow:")


def _start_measuring(work: str, name: str, values: dict[str, Any], *, elsewhere: str | None, shared: bool) -> None:
    config, study = CONFIGS[work].from_dict(values), study_cache.studies()[0][name]
    if isinstance(config, SweepConfig):
        study.check_sweep(config)
    more = ["--anyway"] if shared else []
    if elsewhere not in (None, study.dataset):
        if isinstance(config, SweepConfig):
            data_check.check_sweep_fits(adaptation_service.dataset(elsewhere), study.config, config)
        more, name = ["--dataset", elsewhere], f"{name.partition(ON)[0]}{ON}{elsewhere}"
    start_job([work, job_words.place(study.name), *job_words.as_options(config), *more], name)
    st.toast(f"{JOBS[work].capitalize()} has started", icon=":material/play_arrow:")


def next_work(study: Study) -> str | None:
    """What a study still needs before it can be explored: sweep or time; None where nothing is missing."""
    if study.measured or study.config.ways == 1:
        return None
    short = study.sweep_config is not None and study.sweep_config.max_steps < study.config.steps
    return "sweep" if study.accuracies is None or short else "time"


def start_next(study: Study) -> None:
    """Start that, with the usual settings. Raises JobError."""
    work = next_work(study)
    if work == "sweep":
        usual = SweepConfig(max_steps=max(SweepConfig().max_steps, study.config.steps))
        start_job(["sweep", job_words.place(study.name), *job_words.as_options(usual)], study.name)
    elif work == "time":
        start_job(["time", job_words.place(study.name), *job_words.as_options(TimingConfig())], study.name)
