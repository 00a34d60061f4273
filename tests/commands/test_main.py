"""The command line as a user meets it: four commands to a choice, clear errors with exit code 2."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from lambda_core.commands.main import main
from lambda_core.studies.study import Study
from tests.support.synthetic import write_study

SETTINGS = "--ways 3 --queries 4 --filters 4 --steps 2 --meta-batch 2 --validate-every 3 --validation-episodes 2"
TRAIN = ["train", "--dataset", "tiny", *SETTINGS.split()]


@pytest.fixture(scope="module")
def study(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("studies") / "tiny-study"
    run(*TRAIN, "--iterations", "4", "--out", str(folder), "--root", root)
    run("sweep", str(folder), "--episodes", "6", "--queries", "4", "--max-steps", "2", "--root", root)
    run("time", str(folder), "--repeats", "3", "--anyway", "--root", root)
    return folder


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    return result


def test_four_commands_lead_from_images_to_a_choice(study):
    result = CliRunner().invoke(main, ["select", str(study), "--threshold", "50"])
    assert result.exit_code in (0, 1)
    assert "%" in result.stdout
    found = json.loads(CliRunner().invoke(main, ["select", str(study), "--threshold", "50", "--json"]).stdout)
    assert set(found) >= {"pattern", "steps", "speed_up", "degradation", "confirmation"}


def test_select_says_no_with_exit_code_1_where_nothing_faster_can_be_shown(study):
    result = run("select", str(study), "--threshold", "0", "--confidence", "0.999", code=1)
    assert "full pattern" in result.stdout.lower() or "nothing faster" in result.stdout.lower()


def test_explain_shows_the_candidates_that_decided(study):
    result = CliRunner().invoke(main, ["select", str(study), "--threshold", "50", "--explain"])
    assert "p_adjusted" in result.stdout


def test_memory_is_counted_with_the_times_and_again_without_them(study):
    first = Study.load(study)
    said = run("time", str(study), "--memory-only").stdout
    again = Study.load(study)
    assert "11111" in said
    assert "kB" in said
    assert first.timing.equals(again.timing)
    full, head = again.peak("11111", 2), again.peak("00001", 2)
    assert full.total > head.total > head.weights > 0
    assert again.peak("00001", 99) is None
    assert json.loads(run("time", str(study), "--memory-only", "--json").stdout)["memory"]["00001"] == vars(head)


def test_the_study_remembers_how_it_was_made(study):
    commands = Study.load(study).metadata.commands
    assert [command.split()[1] for command in commands] == ["train", "sweep", "time"]
    assert f"--iterations 4 --out {study}" in commands[0]


def test_data_commands(root):
    assert "glyphs" in run("data", "list", "--root", root).stdout
    facts = json.loads(run("data", "show", "tiny", "--root", root, "--json").stdout)
    assert facts


def test_help_teaches_the_four_commands():
    text = run("--help").stdout
    assert all(word in text for word in ("train", "sweep", "time", "select", "report", "data"))


ERRORS = {
    "unknown data set": (["train", "--dataset", "no-such-set", "--out", "x"], "no-such-set"),
    "path for a data set": (["train", "--dataset", "../../etc", "--out", "x"], "etc"),
    "missing download": (["train", "--dataset", "cifar-fs", "--out", "x"], "lambda-core data fetch cifar-fs"),
    "wrong pattern": ([*TRAIN, "--pattern", "0101", "--out", "x"], "4 digits for 5 layers"),
    "too few images": ([*TRAIN, "--shots", "8", "--out", "x"], "too few for 8 shots"),
    "too many ways": ([*TRAIN[:3], "--ways", "50", "--queries", "4", "--out", "x"], "too few for 50 ways"),
    "bad number": ([*TRAIN, "--lr", "-1", "--out", "x"], "lr must lie between"),
    "not a number": ([*TRAIN, "--lr", "nan", "--out", "x"], "lr must be a finite number"),
    "bad name": ([*TRAIN, "--out", "Bad Name"], "Bad Name"),
    "unknown study": (["sweep", "no-such-study"], "no-such-study"),
    "folder that is no study": (["sweep", "."], "study"),
    "bad threshold": (["select", "STUDY", "--threshold", "-1"], "threshold"),
    "threshold nan": (["select", "STUDY", "--threshold", "nan"], "threshold"),
    "bad confidence": (["select", "STUDY", "--threshold", "1", "--confidence", "0.2"], "confidence"),
    "threshold that is no number": (["select", "STUDY", "--threshold", "one"], "not a valid float"),
    "study twice": ([*TRAIN, "--out", "STUDY"], "holds a study already; add --resume"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_clear_sentence_and_exit_code_2(case, study, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAMBDA_DATA", root)
    arguments, complaint = ERRORS[case]
    result = run(*[str(study) if word == "STUDY" else word for word in arguments], code=2)
    assert complaint in result.stderr
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_an_unmeasured_study_names_the_missing_command(study, tmp_path):
    copy = tmp_path / "bare"
    shutil.copytree(study, copy, ignore=shutil.ignore_patterns("accuracy.parquet", "timing.parquet", "checkpoint"))
    assert "lambda-core sweep" in run("select", str(copy), "--threshold", "1", code=2).stderr


def test_a_damaged_study_is_named(study, tmp_path):
    copy = tmp_path / "damaged"
    shutil.copytree(study, copy)
    (copy / "accuracy.parquet").write_bytes(b"PAR1 nonsense")
    assert "accuracy.parquet" in run("select", str(copy), "--threshold", "1", code=2).stderr


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_weights(tmp_path, root):
    """Killed for real, at no chosen moment."""
    arguments = [*TRAIN, "--iterations", "120", "--root", root, "--out"]
    run(*arguments, str(tmp_path / "unbroken"))
    command = [sys.executable, "-m", "lambda_core", *arguments, str(tmp_path / "broken")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    state = tmp_path / "broken" / "checkpoint" / "state.safetensors"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert state.exists()
    run(*arguments, str(tmp_path / "broken"), "--resume")
    whole, resumed = (load_file(tmp_path / name / "weights.safetensors") for name in ("unbroken", "broken"))
    assert all((whole[name] == resumed[name]).all() for name in whole)


@pytest.mark.slow
def test_a_terminal_of_few_signs_changes_no_answer(study):
    command = [sys.executable, "-m", "lambda_core", "select", str(study), "--threshold", "50"]
    codes, texts = [], []
    for encoding in ("utf-8", "cp1252", "cp437"):
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        codes.append(done.returncode)
        texts.append(done.stdout.decode(encoding))
        assert b"Traceback" not in done.stderr
    assert len(set(codes)) == 1
    assert texts[1] == texts[0].encode("cp1252", errors="replace").decode("cp1252")


def test_check_tells_sound_unchecked_and_damaged_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    for name in ("one", "two"):
        write_study(tmp_path, name, episodes=3, max_steps=2, repeats=2, filters=4)
    found = CliRunner().invoke(main, ["check"])
    assert (found.exit_code, found.stdout.count("unchecked")) == (0, 2)
    sealed = CliRunner().invoke(main, ["check", "--seal"])
    assert (sealed.exit_code, sealed.stdout.count("sound")) == (0, 2)
    path = tmp_path / "two" / "timing.parquet"
    path.write_bytes(path.read_bytes()[:-9] + b"?" + path.read_bytes()[-8:])
    spoilt = CliRunner().invoke(main, ["check"])
    assert spoilt.exit_code == 1
    assert "damaged" in spoilt.stdout
    assert "timing.parquet is damaged" in spoilt.stdout


def test_the_shipped_studies_are_sound():
    found = CliRunner().invoke(main, ["check"])
    assert found.exit_code == 0, found.stdout
    assert "unchecked" not in found.stdout


def test_the_longest_name_is_a_sentence():
    result = CliRunner().invoke(main, ["select", "a" * 5000, "--threshold", "1"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
