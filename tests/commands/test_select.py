"""Select, race and transfer on measured synthetic studies."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from lambda_core.commands.main import main
from tests.support.synthetic import write_study


def test_race_replays_a_measured_study(tmp_path):
    folder = write_study(tmp_path, episodes=200)
    result = CliRunner().invoke(main, ["race", str(folder), "--threshold", "1", "--cached", "--json"])
    assert result.exit_code in (0, 1), result.output
    record = json.loads(result.stdout)
    assert record["adaptations"] < record["exhaustive"]
    assert record["against_exhaustive"]["agrees"]
    words = CliRunner().invoke(main, ["race", str(folder), "--threshold", "1", "--cached"]).stdout
    assert "adaptations" in words
    assert "exhaustive" in words


def test_select_prints_one_flat_record(tmp_path):
    folder = write_study(tmp_path, episodes=200)
    result = CliRunner().invoke(main, ["select", str(folder), "--threshold", "1", "--json"])
    record = json.loads(result.stdout)
    assert record["degradation_low"] <= record["degradation"] <= record["degradation_high"]
    assert {"verdict", "degradation", "low", "high"} <= record["confirmation"].keys()


def test_a_report_says_what_a_study_lacks(tmp_path):
    young = str(write_study(tmp_path, "young-5w1s", measured=False))
    alone = CliRunner().invoke(main, ["report", young])
    assert alone.exit_code == 2
    assert "young-5w1s has no accuracies yet; make them with: lambda-core sweep" in alone.stderr
    measured = str(write_study(tmp_path, "measured-5w1s", episodes=20, max_steps=5, repeats=2))
    beside = CliRunner().invoke(main, ["report", young, measured])
    assert beside.exit_code == 0
    assert "young-5w1s has no accuracies yet" in beside.stderr
    assert "young" not in beside.stdout


def test_step_size_belongs_to_the_candidate_in_a_race_too(tmp_path):
    folder = write_study(tmp_path, episodes=60, max_steps=2, steps=2, lr_scales=(0.5, 1.0))
    words = ["race", str(folder), "--threshold", "50", "--cached", "--json"]
    own, several = (json.loads(CliRunner().invoke(main, [*words, *more]).stdout) for more in ([], ["--any-lr"]))
    assert several["exhaustive"] > own["exhaustive"]


def test_a_race_chooses_what_fits(tmp_path):
    folder = write_study(tmp_path, episodes=60)
    words = ["race", str(folder), "--threshold", "1", "--cached", "--json"]
    free, large = (json.loads(CliRunner().invoke(main, [*words, *more]).stdout) for more in ([], ["--memory", "1G"]))
    assert large == free
    nothing = CliRunner().invoke(main, [*words, "--memory", "0"])
    assert nothing.exit_code == 2
    assert "nothing that fits into the memory allowed is shown to lose at most 1 point" in nothing.stderr


@pytest.mark.parametrize("command", ["race", "select"])
def test_an_unknown_axis_is_named(command, tmp_path):
    folder = write_study(tmp_path, episodes=20)
    result = CliRunner().invoke(main, [command, str(folder), "--threshold", "1", "--axis", "joules"])
    assert result.exit_code == 2
    assert "joules" in result.stderr


@pytest.mark.parametrize("size", ["9" * 400, "1" + "0" * 16, "-1", "1e9", "4T", "٣k", "", "4 MB B"])
def test_what_is_no_memory_is_told(tmp_path, size):
    folder = write_study(tmp_path, episodes=5)
    result = CliRunner().invoke(main, ["select", str(folder), "--threshold", "1", f"--memory={size}"])
    assert result.exit_code == 2
    assert "is no number of bytes such as 256k" in result.stderr


@pytest.mark.parametrize("size", ["1M", "0.5 GB", "200000", "9" * 15 + "G"])
def test_memory_may_be_said_in_any_unit(tmp_path, size):
    folder = write_study(tmp_path, episodes=20)
    result = CliRunner().invoke(main, ["select", str(folder), "--threshold", "5", "--memory", size])
    assert "is no number of bytes" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
