"""What is open is said with what would decide it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_core.analysis import choose, describe_undecided
from lambda_core.selection import Interval, SelectionSettings
from lambda_core.studies import Study
from tests.support.synthetic import write_study


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study.load(write_study(tmp_path_factory.mktemp("few"), "few", episodes=40, max_steps=5, filters=4))


def test_where_nothing_faster_passes_the_nearest_is_named(few: Study) -> None:
    choice, seen = choose(few, SelectionSettings(0.5))
    assert choice.is_reference
    line, *rest = describe_undecided(few, choice, seen)
    assert not rest
    words = r"To decide it: [01]{5} x \d+, .* is open on validation classes .*about [\d,]+ episodes \(40 now\)"
    assert re.match(words, line)


def test_a_choice_that_test_classes_leave_open_says_how_many_episodes(few: Study) -> None:
    choice, seen = choose(few, SelectionSettings(10.0))
    assert not choice.is_reference
    wide = replace(seen, verdict="undecided", degradation=Interval(8.0, 4.0, 12.0))
    assert describe_undecided(few, choice, wide) == ["To decide it on test classes: about 160 episodes (40 now)."]
    there = replace(wide, degradation=Interval(10.0, 4.0, 16.0))
    assert "lies at the threshold" in describe_undecided(few, choice, there)[0]


def test_what_is_decided_needs_nothing(tmp_path: Path) -> None:
    study = Study.load(write_study(tmp_path, "many", episodes=300, max_steps=5, filters=4))
    choice, seen = choose(study, SelectionSettings(5.0))
    assert (choice.is_reference, seen.verdict) == (False, "pass")
    assert describe_undecided(study, choice, seen) == []
