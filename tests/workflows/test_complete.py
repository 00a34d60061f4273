"""What an earlier version did not note is written from the data; nothing is measured anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambda_core.data.looks import looks_of
from lambda_core.studies.study import Study
from lambda_core.workflows.measure import complete, sweep_study
from lambda_core.workflows.train import train_study
from tests.measurement.test_resumable_sweep import SWEEP
from tests.support.tiny import tiny_dataset
from tests.training.test_meta_trainer import TINY

pytestmark = pytest.mark.slow


def forget(study: Study) -> Study:
    """The study as an earlier version would have written it."""
    path = study.folder / "study.json"
    content = json.loads(path.read_text())
    kept = {key: value for key, value in content.items() if key not in ("files", "sha256")}
    kept["dataset"] = {key: content["dataset"][key] for key in ("name", "source", "fingerprint")}
    path.write_text(json.dumps(kept))
    (study.folder / "episodes.parquet").unlink()
    return Study.load(study.folder)


def test_classes_and_looks_are_added(tmp_path: Path, root: str) -> None:
    whole = sweep_study(train_study(TINY.but(iterations=2), tmp_path / "tiny-study", root=root), SWEEP, root=root)
    old = forget(whole)
    assert old.episodes is None
    assert old.metadata.dataset.looks is None
    done = complete(old, root)
    assert done.episodes.equals(whole.episodes)
    assert done.metadata.dataset.looks == looks_of(tiny_dataset(), ("train",))
    assert done.accuracy.equals(whole.accuracy)
