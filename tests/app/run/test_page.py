"""Run: forms, jobs, and a server that starts nothing."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from lambda_core.jobs import JobError, list_jobs, start_job
from tests.app.conftest import Open, checked, param, said


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMBDA_JOBS", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


@pytest.mark.parametrize("work", ["train", "sweep", "time"])
@pytest.mark.usefixtures("jobs")
def test_has_a_form_for_each_work(open_page: Open, work: str) -> None:
    app = open_page("run", work=work)
    assert "Nothing was started yet" in said(app)
    assert len(app.number_input) >= 3


@pytest.mark.usefixtures("jobs")
def test_takes_its_preset_from_the_address(open_page: Open) -> None:
    app = open_page("run", preset="sinusoid")
    assert app.selectbox(key="sinusoid-dataset").value == "sinusoid"
    checked(app.selectbox(key="preset-control").set_value("glyphs").run())
    assert param(app, "preset") == "glyphs"


@pytest.mark.parametrize("name", ["", "Has Capitals", "../up", "cifar-fs-5w1s"])
def test_refuses_a_wrong_name_in_one_sentence(open_page: Open, jobs: Path, name: str) -> None:
    app = open_page("run")
    app.text_input(key="train-name").set_value(name)
    checked(submit(app).click().run())
    assert len(app.error) == 1
    assert list_jobs(jobs) == []


@pytest.mark.parametrize("work", ["train", "sweep"])
def test_starts_a_job_of_these_words(open_page: Open, jobs: Path, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.run.forms.start_job", partial(start_job, engine=("echo",)))
    app = open_page("run", work=work)
    checked(submit(app).click().run())
    job = list_jobs(jobs)[0]
    assert job.argv[0] == work
    assert any(word.endswith(f"/{job.study}") for word in job.argv)
    end = time.monotonic() + 60
    while job.state == "running" and time.monotonic() < end:
        time.sleep(0.05)
    assert job.state == "done"
    assert work in job.last_message


@pytest.mark.parametrize(("work", "label"), [("sweep", "Start the sweep"), ("time", "Start timing")])
def test_the_button_says_what_it_starts(open_page: Open, work: str, label: str) -> None:
    assert submit(open_page("run", work=work)).label == label  # type: ignore[attr-defined]


def test_a_sweep_that_could_not_end_well_is_refused_before_it_starts(
    open_page: Open, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise JobError("too few classes")

    monkeypatch.setattr("app.run.forms.data_check.check_sweep_fits", refuse)
    app = open_page("run", work="sweep")
    app.selectbox(key="sweep-dataset").set_value("glyphs")
    checked(submit(app).click().run())
    assert app.error[0].value == "Too few classes."
    assert list_jobs(jobs) == []


def test_a_read_only_server_hides_run(open_page: Open, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_READ_ONLY", "1")
    app = open_page("run")
    assert "read-only" in said(app)
    assert not app.button
    assert list_jobs(jobs) == []


def submit(app: object) -> object:
    return next(button for button in app.button if button.label.startswith("Start"))  # type: ignore[attr-defined]
