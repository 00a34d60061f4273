"""Studies as the app lists them: read with distrust, and anew where their files change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.shared import study_cache
from lambda_core.studies import list_studies
from lambda_core.studies.tables import write_table
from tests.app.conftest import Open, checked


@pytest.fixture
def root(studies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of one good study and one that is a link out of it."""
    shutil.copytree(studies / "cifar-fs-5w1s", tmp_path / "root" / "good")
    shutil.copytree(studies / "lr-5w1s", tmp_path / "elsewhere" / "linked")
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "elsewhere" / "linked")
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path / "root"))
    return tmp_path / "root"


def test_the_app_lists_what_the_command_line_lists(root: Path) -> None:
    found, errors = study_cache.studies()
    expected, expected_errors = list_studies(root)
    assert list(found) == [study.name for study in expected] == ["good"]
    assert list(map(str, errors)) == list(map(str, expected_errors))


@pytest.mark.parametrize("page", ["explore", "about"])
def test_a_study_that_is_a_link_out_of_the_root_is_refused_in_words(
    open_page: Open, root: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    app = open_page(page)
    monkeypatch.setenv("LAMBDA_STUDIES", str(root))
    (warning,) = checked(app.run()).warning
    assert f"{root / 'linked'} is a link that leads out of {root}" in warning.value


def test_a_link_within_the_root_is_fine(root: Path) -> None:
    (root / "linked").unlink()
    (root / "linked").symlink_to(root / "good")
    found, errors = study_cache.studies()
    assert list(found) == ["good"]
    assert not errors


def test_a_study_is_read_anew_where_its_files_change(root: Path) -> None:
    before = study_cache.studies()[0]["good"]
    assert study_cache.studies()[0]["good"] is before
    write_table(root / "good", "training", before.training.head(3))
    assert len(study_cache.studies()[0]["good"].training) == 3


def test_a_root_that_is_no_folder_is_an_error_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path / "file"))
    found, (error,) = study_cache.studies()
    assert not found
    assert "cannot be listed" in str(error)
