"""A server for anybody: read-only refuses on the server's side, and the process that adapts is replaced in sight."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from app.shared import adaptation_service
from lambda_core import jobs
from lambda_core.jobs import Job, JobError, start_job
from tests.app.conftest import Open, images, open_page, said, studies  # noqa: F401 (fixtures)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    folder = tmp_path / "jobs" / "20261126-101010-abcdef"
    folder.mkdir(parents=True)
    return Job(folder, ("train",), "mine", "")


ACTIONS = {
    "start": lambda job: start_job(["train"], "mine", job.folder.parent),
    "resume": lambda job: job.resume(),
    "cancel": lambda job: job.cancel(),
    "remove": lambda job: job.remove(),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_read_only_refuses_whoever_asks(action: str, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_READ_ONLY", "1")
    with pytest.raises(JobError, match="read-only"):
        ACTIONS[action](job)
    assert job.folder.is_dir()


def test_the_run_page_shows_no_control_on_a_read_only_server(
    open_page: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAMBDA_READ_ONLY", "1")
    page = open_page("run")
    assert "read-only" in said(page)
    assert not [*page.button, *page.text_input, *page.get("file_uploader")]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hanging"])
def test_a_lost_process_is_replaced_and_the_page_says_so(
    sent: signal.Signals,
    open_page: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_page("live", seed="3")
    worker = adaptation_service._worker
    monkeypatch.setattr(worker, "patience", 3.0)
    os.kill(worker.run(os.getpid), sent)
    page = open_page("live", seed=str(100 + sent))
    assert [toast.value for toast in page.toast] == [adaptation_service.REPLACED]
    assert "right after" in said(page)


def test_more_than_may_wait_are_told_to_come_again(
    open_page: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_page("live", seed="3")
    monkeypatch.setattr(adaptation_service._worker, "most_waiting", 0)
    assert "adaptations wait for their turn already: try again" in said(open_page("live", seed="4321"))


def test_jobs_of_the_app_are_few() -> None:
    assert jobs.COMMANDS == ("train", "sweep", "time")
