"""One bad study never hides the good ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_core.studies.library import list_studies, studies_root


def test_one_bad_study_hides_no_good_one(folder: Path) -> None:
    (folder.parent / "broken").mkdir()
    (folder.parent / "Wrong Name").mkdir()
    (folder.parent / ".hidden").mkdir()
    (folder.parent / "a-file").write_text("no study")
    studies, errors = list_studies(folder.parent)
    assert [study.name for study in studies] == ["tiny"]
    assert len(errors) == 2


def test_a_study_in_training_is_neither_listed_nor_bad(folder: Path) -> None:
    (folder.parent / "growing" / "checkpoint").mkdir(parents=True)
    studies, errors = list_studies(folder.parent)
    assert ([study.name for study in studies], errors) == (["tiny"], [])


def test_a_study_that_leads_out_of_the_root_is_refused(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(folder)
    studies, (error,) = list_studies(root)
    assert not studies
    assert "leads out of" in str(error)


def test_no_root_holds_no_studies(tmp_path: Path) -> None:
    assert list_studies(tmp_path / "nowhere") == ([], [])


def test_root_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    assert studies_root() == tmp_path
    monkeypatch.delenv("LAMBDA_STUDIES")
    assert studies_root().name == "cached_results"
