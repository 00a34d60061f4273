"""A small synthetic study, one of its own for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.synthetic import write_study


@pytest.fixture(scope="package")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    return write_study(root, "tiny", episodes=3, max_steps=2, repeats=2, filters=4, iterations=500)


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A study of its own for each test, to spoil."""
    return shutil.copytree(template, tmp_path / "tiny")
