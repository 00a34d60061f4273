"""A choice taken to other images beside the one made on them: who is better there, and where nothing is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_core.analysis.domains import Domain, domains_of
from lambda_core.analysis.report import as_markdown, domains_table
from lambda_core.analysis.study_choice import choose
from lambda_core.selection.settings import SelectionSettings
from lambda_core.studies.library import on_domain
from lambda_core.studies.metadata import DatasetRecord
from lambda_core.studies.study import Study
from lambda_core.studies.writing import commit
from tests.support.synthetic import Truth, write_study

GENTLE = Truth(loss=(0.0, 0.0, 0.0, 0.0, 0.0))  # the head is enough
HARSH = Truth(loss=(0.0, 0.0, 0.05, 0.05, 0.0))  # what lies before it must move


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study.load(write_study(tmp_path_factory.mktemp("home"), "model", episodes=200, truth=GENTLE))


def elsewhere(home: Study, dataset: str, truth: Truth, root: Path) -> Study:
    """The model on other images, where accuracies follow `truth`."""
    other = Study.load(write_study(root, f"drawn-{dataset}", episodes=200, truth=truth, seed=5))
    there = on_domain(home, DatasetRecord(dataset, "drawn", "f" * 64))
    sweep = home.metadata.to_dict()["sweep"]
    commit(there.folder, lambda known: known.with_measurement("sweep", sweep), {"accuracy": other.accuracy})
    return Study.load(there.folder)


def only(studies: list[Study]) -> Domain:
    (found,) = domains_of(studies, SelectionSettings(1.0))
    return found


def test_where_layers_must_move_the_choice_made_there_is_more_accurate(home: Study, tmp_path: Path) -> None:
    there = elsewhere(home, "signs", HARSH, tmp_path)
    found = only([home, there])
    assert found.home.pattern == "00001"
    assert found.own.pattern != "00001"
    assert found.there.verdict == "fail"
    assert found.beats_home == "accuracy"
    assert found.own_over_home.high < 0
    text = domains_table([home, there])
    assert "on Signs" in text
    assert "accuracy" in text
    assert text in as_markdown([home, there])


def test_where_nothing_changes_neither_is_shown(home: Study, tmp_path: Path) -> None:
    there = elsewhere(home, "likeness", GENTLE, tmp_path)
    found = only([home, there])
    assert found.beats_home is None
    assert "neither is shown" in domains_table([home, there], 1.0)


def test_all_layers_may_take_as_many_steps_there_as_were_swept(home: Study, tmp_path: Path) -> None:
    there = elsewhere(home, "steps", GENTLE, tmp_path)
    assert (home.reference_steps, there.reference_steps) == (home.config.steps, 10)
    assert choose(there, SelectionSettings(1.0))[0].reference_steps == 10
    assert only([home, there]).there.reference_accuracy == pytest.approx(
        there.split("test").query("pattern == '11111' and steps == 10")["accuracy"].mean()
    )


def test_a_domain_without_its_models_own_study_is_no_row(home: Study, tmp_path: Path) -> None:
    there = elsewhere(home, "alone", GENTLE, tmp_path)
    assert domains_of([there], SelectionSettings(1.0)) == []
    assert domains_table([home]) == ""


def test_claims_of_the_paper_are_asked_at_home_only(home: Study, tmp_path: Path) -> None:
    there = elsewhere(home, "claims", GENTLE, tmp_path)
    claims = as_markdown([home, there]).partition("### Claims")[2].partition("### Conditions")[0]
    assert "`model`" in claims
    assert "model@claims" not in claims
