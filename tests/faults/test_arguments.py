"""Whatever is typed: an answer or a sentence, never a traceback, and nothing is touched but what was named."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_core.commands.main import main
from tests.faults.arguments import commands, lines, snapshot
from tests.support.making import write_pictures
from tests.support.synthetic import write_study
from tests.support.tiny import write_tiny

TRIES = int(os.environ.get("LAMBDA_TRIES", "12"))  # of each command
COMMANDS = dict(commands())
TRIED = settings(
    max_examples=TRIES,
    deadline=None,
    database=None,
    derandomize="LAMBDA_TRIES" not in os.environ,  # more tries are other ones: those of --hypothesis-seed
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to look over, with the working folder in it."""
    top = tmp_path_factory.mktemp("typed")
    work = top / "some" / "where" / "deep"
    write_study(work, "mine", episodes=3, max_steps=2, repeats=2, filters=4, iterations=500)
    write_pictures(work / "pictures", classes=6)
    write_tiny(work / "data")
    (top / "precious").write_text("mine")
    return top


@pytest.fixture
def work(top: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = top / "some" / "where" / "deep"
    monkeypatch.chdir(work)
    monkeypatch.setenv("LAMBDA_DATA", str(work / "data"))
    monkeypatch.setenv("LAMBDA_STUDIES", str(work))
    return work


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_any_arguments_end_in_an_answer_or_a_sentence(words: tuple[str, ...], top: Path, work: Path) -> None:
    before = snapshot(top, work)

    @TRIED
    @given(line=lines(words, COMMANDS[words]))
    def tried(line: list[str]) -> None:
        result = CliRunner().invoke(main, line)
        assert result.exception is None or isinstance(result.exception, SystemExit), (line, result.exception)
        assert result.exit_code in (0, 1, 2), (line, result.output)
        assert "Traceback" not in result.output, line

    tried()
    assert snapshot(top, work) == before
    assert not list(top.rglob("hacked"))


@TRIED
@given(line=st.lists(st.text(st.characters(exclude_characters="\0"), max_size=20), max_size=4))
def test_any_words_at_all(line: list[str]) -> None:
    result = CliRunner().invoke(click.Group("lambda-core", main.commands), [*line, "--help"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
