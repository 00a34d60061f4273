"""What the README shows runs, and what it points to is there."""

import re
from pathlib import Path

import pytest

from benchmarks.readme import renewed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_python_programs_run(program, monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(program, "README.md", "exec"), {})


@pytest.mark.parametrize("target", re.findall(r"\]\(((?!http)[^)#]+)\)", README))
def test_what_it_points_to_is_there(target):
    assert (ROOT / target).exists(), target


def test_it_has_exactly_two_set_up_lines():
    assert len(re.findall(r"^    python3 -m venv", README, re.MULTILINE)) == 2


@pytest.mark.parametrize("command", re.findall(r"^    lambda-core ([a-z]+)", README, re.MULTILINE))
def test_its_commands_exist(command):
    from lambda_core.commands.main import main

    assert command in main.commands


def test_its_tables_are_those_of_the_studies_and_of_the_last_comparison():
    assert README.count("<!-- end -->") == 3
    assert renewed(README) == README, "run python -m benchmarks.readme"
