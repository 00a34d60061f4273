"""Races and searches on live episodes of a study."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from lambda_core.analysis.study_race import study_entrants
from lambda_core.backbones.backbone import Backbone
from lambda_core.commands.main import main
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.errors import SelectionError, StudyError
from lambda_core.measurement.live_runner import LiveRunner
from lambda_core.selection.candidates import Candidate
from lambda_core.selection.racing import race
from lambda_core.selection.settings import SelectionSettings
from lambda_core.studies.study import Study
from lambda_core.workflows.measure import sweep_study
from lambda_core.workflows.search import _runner, live_runner
from lambda_core.workflows.train import train_study
from tests.measurement.test_resumable_sweep import SWEEP
from tests.support.tiny import tiny_dataset
from tests.training.test_meta_trainer import TINY


@pytest.fixture(scope="module")
def study(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("studies") / "tiny-study"
    return sweep_study(train_study(TINY.but(iterations=3), folder, root=root), SWEEP, root=root)


@pytest.mark.slow
def test_a_live_runner_sees_what_the_sweep_saw(study, root):
    val = study.split("val")
    candidates = [
        Candidate("00111", 2, study.config.lr),
        Candidate("11111", 1, study.config.lr),
        Candidate("00000", 0, study.config.lr),
    ]
    found = live_runner(study, "val", root=root)(candidates, range(12))
    for candidate, row in zip(candidates, found, strict=True):
        here = val[(val["pattern"] == candidate.pattern) & (val["steps"] == candidate.steps)].sort_values("episode")
        assert row == pytest.approx(here["accuracy"].to_numpy(), abs=1e-6)


@pytest.mark.slow
def test_many_episodes_in_two_processes_give_the_numbers_of_one(study, root, monkeypatch):
    candidates = [Candidate("00111", 2, study.config.lr), Candidate("11111", 1, study.config.lr)]
    alone, _ = _runner(study, "val", 7, root)
    expected = alone(candidates, range(165))
    monkeypatch.setattr(LiveRunner, "__call__", lambda *_: pytest.fail("run in this process"))
    seen = []
    found = live_runner(study, "val", seed=7, root=root, processes=2, report=seen.append)(candidates, range(165))
    assert np.array_equal(found, expected)
    assert seen[-1].done == seen[-1].total == 165


@pytest.mark.slow
def test_a_race_runs_live_without_times(study):
    entrants = study_entrants(study, SelectionSettings(axis="multiply_adds"))
    runner = LiveRunner(Backbone.of(study.model()), EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0), 0.05)
    result = race(entrants, runner, 8, 50.0)
    assert result.exhaustive == 8 * (31 * study.config.steps + 1)
    with pytest.raises(StudyError, match="lambda-core time"):
        study_entrants(study, SelectionSettings())


def test_step_sizes_race_too_where_that_is_asked(study):
    own = study_entrants(study, SelectionSettings(axis="multiply_adds"))
    several = study_entrants(study, SelectionSettings(axis="multiply_adds", any_lr=True))
    assert len(several.candidates) == 1 + 4 * (len(own.candidates) - 1)
    assert several.candidates[several.reference] == own.candidates[own.reference]
    assert sorted({each.lr / study.config.lr for each in several.candidates}) == pytest.approx([0.5, 1, 2, 4])
    with pytest.raises(SelectionError, match="memory was not counted"):
        study_entrants(study, SelectionSettings(axis="multiply_adds", memory=1000))


@pytest.mark.slow
def test_the_search_command_writes_a_table_and_goes_on_after_a_stop(study, root, monkeypatch):
    words = ["search", str(study.folder), "--episodes", "8", "--fresh", "10", "--beam", "2", "--root", root]
    first = CliRunner().invoke(main, [*words, "--json"])
    assert first.exit_code == 0, first.output
    record = json.loads(first.stdout)
    table = Study.load(study.folder).search
    assert set(table["split"]) == {"val", "test"}
    assert record["adaptations"] > 0
    metadata = Study.load(study.folder).metadata
    assert metadata.search.settings.fresh == 10
    assert metadata.commands[-1].startswith("lambda-core search")
    monkeypatch.setattr(LiveRunner, "__call__", lambda *_: pytest.fail("run again"))
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 0, again.output
    assert "A front of" in again.stdout
    pd.testing.assert_frame_equal(Study.load(study.folder).search, table)


@pytest.mark.slow
def test_two_parts_of_a_search_at_once_write_the_table_of_one_process(study, root, tmp_path):
    words = ["--episodes", "8", "--fresh", "12", "--beam", "2", "--processes", "1", "--root", root]
    alone, shared = (shutil.copytree(study.folder, tmp_path / name / "tiny-study") for name in ("alone", "shared"))
    assert CliRunner().invoke(main, ["search", str(alone), *words]).exit_code == 0
    run = [sys.executable, "-m", "lambda_core", "search", str(shared), *words, "--part"]
    parts = [subprocess.Popen([*run, text], stdout=subprocess.PIPE, text=True) for text in ("1/2", "2/2")]
    first, second = (part.communicate(timeout=120)[0] for part in parts)
    assert [part.returncode for part in parts] == [0, 0]
    assert "A front of" in first
    assert "part 1/2 writes the table" in second
    pd.testing.assert_frame_equal(Study.load(shared).search, Study.load(alone).search)


def test_a_part_that_there_is_not_is_told(study):
    for words in (["search"], ["race", "--threshold", "1"]):
        found = CliRunner().invoke(main, [*words, str(study.folder), "--part", "3/2"])
        assert found.exit_code != 0
        assert "1/N to N/N" in found.output
