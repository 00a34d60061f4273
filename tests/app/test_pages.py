"""Compare, Learn, Run, About: every part opens, says what the engine says, and takes its controls."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lambda_core.analysis.transfer import transfer_table
from lambda_core.formatting import number
from lambda_core.jobs import list_jobs
from lambda_core.selection import SelectionSettings
from lambda_core.studies.study import Study
from tests.app.conftest import Open, checked, param, said
from tests.support.synthetic import write_study


@pytest.mark.parametrize("view", ["heat", "differences", "first", "transfer"])
def test_compare_every_view(open_page: Open, view: str) -> None:
    app = open_page("compare", view=view, studies="cifar-fs-5w1s,lr-5w1s", steps="2")
    assert not app.warning
    assert len(app.dataframe) == (view in ("first", "transfer"))


def test_compare_opens_on_two_studies_of_different_data(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, dataset in (("one-5w1s", "cifar-fs"), ("two-5w1s", "cifar-fs"), ("zoo-5w1s", "glyphs")):
        write_study(tmp_path, name, episodes=20, max_steps=5, dataset=dataset)
    app = open_page("compare")  # the studies of `shelf` are all of one data set
    assert app.multiselect(key="studies-control").value == ["cifar-fs-5w1s", "lr-5w1s"]
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    assert checked(app.run()).multiselect(key="studies-control").value == ["one-5w1s", "zoo-5w1s"]


def test_compare_shades(open_page: Open) -> None:
    app = open_page("compare")
    checked(app.button_group(key="shade-control").set_value("speed_up").run())
    assert param(app, "shade") == "speed_up"


def test_compare_leaves_out_unknown_studies(open_page: Open) -> None:
    app = open_page("compare", studies="cifar-fs-5w1s,gone")
    assert "gone" in app.warning[0].value
    assert param(app, "studies") == "cifar-fs-5w1s"


def test_transfer_says_what_the_command_line_says(open_page: Open, shelf: Path) -> None:
    names = ["cifar-fs-5w1s", "lr-5w1s"]
    shown = open_page("compare", view="transfer", studies=",".join(names), threshold="3").dataframe[0].value
    rows = transfer_table([Study.load(shelf / name) for name in names], SelectionSettings(3.0))
    for row in rows[rows["split"] == "test"].itertuples():
        cell = shown.set_index("Chosen on").loc[row.chosen_on, f"On {row.judged_on}"]
        assert cell.startswith(row.verdict)
        assert row.verdict == "not measured" or number(row.degradation) in cell


@pytest.mark.parametrize("scene", ["2", "3", "4", "5"])
@pytest.mark.parametrize("present", ["0", "1"])
def test_learn_every_scene(open_page: Open, scene: str, present: str) -> None:
    app = open_page("learn", scene=scene, present=present)
    assert f"Scene {scene} of 5" in said(app)
    assert not app.error


def test_learn_turns_and_keeps_its_scene_in_the_address(open_page: Open) -> None:
    app = open_page("learn", scene="2")
    checked(next(button for button in app.button if button.label == "Next").click().run())
    assert param(app, "scene") == "3"


def test_learn_without_a_sinusoid_study_says_which_command(open_page: Open) -> None:
    app = open_page("learn")
    assert "lambda-core train --dataset sinusoid" in app.error[0].value


def test_learn_adapts_a_sine_curve(open_page: Open, tmp_path: Path) -> None:
    write_sinusoid(tmp_path)
    os.environ["LAMBDA_STUDIES"] = str(tmp_path)  # open_page restores it
    app = open_page("learn", steps="3")
    assert "After **3** steps its error" in said(app)
    checked(next(button for button in app.button if button.label == "Another curve").click().run())
    assert param(app, "seed") == "8"


def write_sinusoid(root: Path) -> None:
    """An untrained sinusoid study, as `lambda-core train` writes it."""
    from lambda_core.backbones.networks import build_model
    from lambda_core.config import RECIPES, MetaTrainConfig
    from lambda_core.studies.writing import write_about, write_training, write_weights

    config = MetaTrainConfig.from_dict({"dataset": "sinusoid"} | RECIPES["sinusoid"])
    sample = write_study(root / "elsewhere", measured=False)
    about = Study.load(sample).about | {
        "name": "sinusoid", "config": config.to_dict(), "layers": ["hidden1", "hidden2", "head"],
        "layer_multiply_adds": [400, 16000, 400], "input": {"size": 1, "channels": 1},
    }  # fmt: skip
    folder = root / "sinusoid"
    folder.mkdir()
    write_about(folder, about)
    write_weights(folder, build_model(config, 1, 1).state_dict())
    write_training(folder, Study.load(sample).training)


def test_about_names_the_studies_and_the_words(open_page: Open) -> None:
    app = open_page("about")
    assert "degradation" in said(app)
    assert "cifar-fs-5w1s" in set(app.dataframe[0].value["Name"])


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMBDA_JOBS", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


@pytest.mark.parametrize("work", ["train", "sweep", "time"])
@pytest.mark.usefixtures("jobs")
def test_run_has_a_form_for_each_work(open_page: Open, work: str) -> None:
    app = open_page("run", work=work)
    assert "Nothing was started yet" in said(app)
    assert len(app.number_input) >= 3


@pytest.mark.usefixtures("jobs")
def test_run_takes_its_preset_from_the_address(open_page: Open) -> None:
    app = open_page("run", preset="sinusoid")
    assert app.selectbox(key="sinusoid-dataset").value == "sinusoid"
    checked(app.selectbox(key="preset-control").set_value("glyphs").run())
    assert param(app, "preset") == "glyphs"


@pytest.mark.parametrize("name", ["", "Has Capitals", "../up", "cifar-fs-5w1s"])
def test_run_refuses_a_wrong_name_in_one_sentence(open_page: Open, jobs: Path, name: str) -> None:
    app = open_page("run")
    app.text_input[0].set_value(name)
    checked(submit(app).click().run())
    assert len(app.error) == 1
    assert list_jobs(jobs) == []


@pytest.mark.parametrize("work", ["train", "sweep"])
def test_run_starts_a_job_of_these_words(
    open_page: Open, jobs: Path, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_core.jobs.ENGINE", ("echo",))
    app = open_page("run", work=work)
    checked(submit(app).click().run())
    job = list_jobs(jobs)[0]
    assert job.words[0] == work
    assert any(word.endswith(f"/{job.study}") for word in job.words)
    end = time.monotonic() + 60
    while job.state == "running" and time.monotonic() < end:
        time.sleep(0.05)
    assert job.state == "done"
    assert work in job.says


def test_a_read_only_server_hides_run(open_page: Open, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_READ_ONLY", "1")
    app = open_page("run")
    assert "read-only" in said(app)
    assert not app.button
    assert list_jobs(jobs) == []


def submit(app: object) -> object:
    return next(button for button in app.button if button.label.startswith("Start"))  # type: ignore[attr-defined]
