"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from lambda_core.errors import StudyError
from lambda_core.selection.pattern_search import search
from lambda_core.selection.search_verdicts import judge_search
from lambda_core.studies import writing as disk
from lambda_core.studies.metadata import StudyMetadata
from lambda_core.studies.study import Study
from lambda_core.studies.tables import read_table, write_table
from tests.support.planted import CONFIG, COSTS, Planted


def test_weights_are_written_from_tensors(folder: Path) -> None:
    state = Study.load(folder).model().state_dict()
    disk.write_weights(folder, {name: value + 1 for name, value in state.items()})
    assert np.allclose(load_file(folder / "weights.safetensors")["head.bias"], state["head.bias"].numpy() + 1)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("accuracy", 1.5, "column accuracy holds 1.5, outside 0 to 1"),
        ("accuracy", np.nan, "column accuracy holds NaN"),
        ("steps", 70_000, "cannot hold these values"),
        ("extra", 1, "no column of this table is named extra"),
    ],
)
def test_wrong_tables_are_not_written(folder: Path, column: str, value: Any, message: str) -> None:
    before = (folder / "accuracy.parquet").read_bytes()
    with pytest.raises(StudyError, match=message):
        write_table(folder, "accuracy", Study.load(folder).accuracy.assign(**{column: value}))  # type: ignore[union-attr]
    assert (folder / "accuracy.parquet").read_bytes() == before


def test_a_full_disk_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study.load(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for write in (
        lambda: write_table(folder, "accuracy", study.accuracy),
        lambda: write_table(folder, "training", study.training),
        lambda: disk.write_metadata(folder, study.metadata),
        lambda: disk.write_weights(folder, study.model().state_dict()),
    ):
        with pytest.raises(StudyError, match="cannot be written: No space left on device"):
            write()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_metadata_with_nan_is_not_written(folder: Path) -> None:
    content = Study.load(folder).metadata.to_dict() | {"note": float("nan")}
    with pytest.raises(StudyError, match=r"study\.json cannot be written"):
        disk.write_metadata(folder, StudyMetadata.from_dict(content))


def test_a_search_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    result = search(Planted(), 3, 0.1, COSTS, CONFIG)
    table = judge_search(result, Planted(noise=0.01), 3, 0.1, CONFIG)
    table = table.assign(split="val")
    write_table(tmp_path, "search", table)
    read = read_table(tmp_path, "search")
    for name in table:
        assert read[name].dropna().tolist() == table[name].dropna().tolist(), name
    with pytest.raises(StudyError, match="outside 0 to 1"):
        write_table(tmp_path, "search", table.assign(accuracy=2.0))
    pd.testing.assert_frame_equal(read_table(tmp_path, "search"), read)
    assert [path.name for path in tmp_path.iterdir()] == ["search.parquet"]
    (tmp_path / "taken" / "search.parquet").mkdir(parents=True)
    with pytest.raises(StudyError, match="cannot be written"):
        write_table(tmp_path / "taken", "search", table)
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["search.parquet"]
