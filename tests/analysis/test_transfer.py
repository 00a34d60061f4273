"""A pattern chosen on one study, judged on another: the table over all pairs of studies."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from lambda_core.analysis.study_choice import choose
from lambda_core.analysis.transfer import judge_transfer, transfer_choice, transfer_table, transfer_text
from lambda_core.commands.main import main
from lambda_core.errors import StudyError
from lambda_core.selection import SelectionSettings
from lambda_core.studies.study import Study
from tests.support.synthetic import Truth, write_study

GENTLE = Truth(loss=(0.0, 0.0, 0.0, 0.0, 0.0))
HARSH = Truth(loss=(0.03, 0.03, 0.03, 0.03, 0.0))  # freezing anything costs 3 points


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    write_study(folder, "gentle", episodes=200, truth=GENTLE, seed=1)
    write_study(folder, "harsh", episodes=200, truth=HARSH, seed=2, lr=0.2)
    write_study(folder, "short", episodes=200, truth=GENTLE, seed=3, max_steps=2, steps=2)
    return folder


@pytest.fixture(scope="module")
def studies(root):
    return [Study.load(root / name) for name in ("gentle", "harsh", "short")]


@pytest.fixture(scope="module")
def table(studies):
    return transfer_table(studies, SelectionSettings()).set_index(["chosen_on", "judged_on", "split"])


def test_every_pair_is_judged_on_both_splits(table):
    assert len(table) == 3 * 3 * 2
    assert not table.index.has_duplicates


def test_at_home_the_table_says_what_select_says(studies, table):
    for study in studies:
        choice, confirmation = choose(study, SelectionSettings())
        row = table.loc[(study.name, study.name, "test")]
        assert (row["pattern"], row["steps"], row["verdict"]) == (choice.pattern, choice.steps, confirmation.verdict)
        assert row["degradation"] == pytest.approx(confirmation.degradation.estimate)
        assert row["speed_up_here"] == pytest.approx(choice.speed_up) == row["speed_up_there"]


def test_what_holds_where_freezing_is_free_fails_where_it_is_not(table):
    for split in ("val", "test"):
        away = table.loc[("gentle", "harsh", split)]
        assert away["verdict"] == "fail"
        assert away["degradation"] > 3
        assert away["degradation_low"] < away["degradation"] < away["degradation_high"]


def test_a_step_count_that_was_not_measured_here_says_so(table):
    steps = table.loc[("harsh", "short", "test"), "steps"]
    row = table.loc[("harsh", "short", "test")]
    assert steps > 2
    assert row["verdict"] == "not measured"
    assert np.isnan(row["degradation"])
    assert np.isnan(row["speed_up_here"])


def test_the_multiple_of_the_step_size_travels(studies):
    gentle, harsh, _ = studies
    choice, _ = choose(gentle, SelectionSettings())
    assert transfer_choice(choice, harsh).lr == pytest.approx(0.2)
    assert judge_transfer(choice, harsh).episodes == 200


def test_other_layers_are_not_paired(studies):
    other = replace(studies[1], metadata=replace(studies[1].metadata, layers=("a", "b", "c", "d", "e")))
    pairs = transfer_table([studies[0], other], SelectionSettings())
    assert set(zip(pairs["chosen_on"], pairs["judged_on"], strict=True)) == {("gentle", "gentle"), ("harsh", "harsh")}


def test_an_unmeasured_study_is_an_error_that_names_the_command(tmp_path):
    bare = Study.load(write_study(tmp_path, "bare", measured=False))
    with pytest.raises(StudyError, match="lambda-core sweep"):
        transfer_table([bare], SelectionSettings())


def test_the_text_has_a_line_a_pair(studies):
    text = transfer_text(transfer_table(studies, SelectionSettings()))
    assert len(text.splitlines()) == 1 + 9
    assert "not measured" in text
    assert "fail: " in text


def test_the_command_prints_all_measured_studies(root, monkeypatch):
    monkeypatch.setenv("LAMBDA_STUDIES", str(root))
    write_study(root, "bare", measured=False)
    result = CliRunner().invoke(main, ["transfer", "--threshold", "1"])
    assert result.exit_code == 0, result.output
    assert "gentle" in result.stdout
    assert "bare" not in result.stdout


@pytest.mark.slow
def test_no_torch_is_imported():
    code = "import sys, lambda_core.analysis.transfer, lambda_core.selection.racing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
