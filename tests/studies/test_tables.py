"""Tables: small on disk and in memory, exact, and no more rows than can be meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lambda_core.errors import StudyError
from lambda_core.studies import tables
from lambda_core.studies.study import Study
from lambda_core.studies.tables import write_table
from tests.support.spoiling import cell


def test_tables_are_small(folder: Path) -> None:
    study = Study.load(folder)
    assert {name: str(kind) for name, kind in study.accuracy.dtypes.items()} == {  # type: ignore[union-attr]
        "split": "category",
        "pattern": "category",
        "steps": "int16",
        "lr": "float32",
        "episode": "int32",
        "accuracy": "float32",
        "loss": "float32",
    }
    assert str(study.timing.dtypes["multiply_adds"]) == "int64"  # type: ignore[union-attr]


def test_memory_that_was_not_counted_is_none_and_no_number(folder: Path) -> None:
    timing = Study.load(folder).timing
    assert timing is not None
    older = timing.drop(columns=["weight_bytes", "kept_bytes", "workspace_bytes"])
    older.to_parquet(folder / "timing.parquet", index=False)
    study = Study.load(folder)
    assert (study.timing["kept_bytes"] == 0).all()  # type: ignore[index]
    assert study.peak("11111", 1) is None


def test_accuracies_survive_to_the_bit(folder: Path) -> None:
    frame = Study.load(folder).accuracy
    write_table(folder, "accuracy", frame)
    pd.testing.assert_frame_equal(Study.load(folder).accuracy, frame)


def test_a_claim_of_too_many_rows_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_VALUES", 700)
    with pytest.raises(StudyError, match=r"accuracy\.parquet claims 378 rows; at most 100"):
        Study.load(folder)


def test_a_diverged_loss_is_a_result(folder: Path) -> None:
    cell("accuracy", "loss", np.inf)(folder)
    cell("accuracy", "loss", np.nan)(folder)
    assert Study.load(folder).accuracy is not None
