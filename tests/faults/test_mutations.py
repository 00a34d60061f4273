"""Damaged and hostile files end in a sentence that names them, or load as they were: never other values unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import victims
from tests.faults.mutations import tried

TRIES = 60  # of each file: every kind of harm twice
STUDY = ["study.json", "weights.safetensors", *(f"{name}.parquet" for name in victims.TABLES)]
DATA = ["dataset.json", "images.npy", "labels.npy"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("victims")
    return {"study": victims.sealed_study(root), "data": victims.sealed_data(root)}


@pytest.mark.parametrize(("kind", "file"), [("study", name) for name in STUDY] + [("data", name) for name in DATA])
def test_no_harm_passes_unseen(folders: dict[str, Path], kind: str, file: str) -> None:
    results = tried(folders[kind], file, TRIES, seed=0)
    assert [str(result) for result in results if not result.is_sound] == []
    assert len(results) == TRIES
    assert sum(result.end == "refused" for result in results) > TRIES / 2
