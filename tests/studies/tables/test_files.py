"""Tables: small on disk and in memory, exact, and no more rows than can be meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambda_core.errors import StudyError
from lambda_core.studies.study import Study
from lambda_core.studies.tables import files, read_table, rows_of_split, write_table
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


@pytest.mark.parametrize("code", [1, -2, 2**31 - 1])
def test_a_code_that_stands_for_no_word_is_a_fault(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """As a flipped bit leaves it in a page of codes; Arrow reads it without a look."""
    read = pq.ParquetFile.read_row_group

    def damaged(file: pq.ParquetFile, group: int, columns: list[str]) -> pa.Table:
        table = read(file, group, columns=columns)
        codes = pa.array(np.full(table.num_rows, code, np.int32))
        words = pa.DictionaryArray.from_arrays(codes, pa.array(["11111"]), safe=False)
        return pa.table({"pattern": words}) if columns == ["pattern"] else table

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", damaged)
    with pytest.raises(StudyError, match=r"timing\.parquet is no readable parquet table"):
        read_table(folder, "timing")


def test_arrow_is_left_with_no_memory_of_pythons(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of Arrow's that frees it when Python has begun to end would abort the process."""
    read_from: list[pa.Buffer] = []
    reader = pa.BufferReader
    monkeypatch.setattr(pa, "BufferReader", lambda source: read_from.append(source) or reader(source))
    content = (folder / "accuracy.parquet").read_bytes()
    files.parse_table(folder, "accuracy", content)
    (given,) = read_from
    assert given.to_pybytes() == content
    assert given.address != pa.py_buffer(content).address


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
    monkeypatch.setattr(files, "MAX_VALUES", 700)
    with pytest.raises(StudyError, match=r"accuracy\.parquet claims 378 rows; at most 100"):
        Study.load(folder)


def test_a_diverged_loss_is_a_result(folder: Path) -> None:
    cell("accuracy", "loss", np.inf)(folder)
    cell("accuracy", "loss", np.nan)(folder)
    assert Study.load(folder).accuracy is not None


@pytest.mark.parametrize("words", [["val", "test"], ["test", "val"]])
def test_a_file_of_many_groups_of_rows_is_read_group_by_group(folder: Path, words: list[str]) -> None:
    """Each group numbers its words anew."""
    whole = Study.load(folder).accuracy
    assert whole is not None
    frame = pd.concat([whole[whole["split"] == word] for word in words], ignore_index=True)
    table = pa.Table.from_pandas(frame.astype({"split": "str", "pattern": "str"}), preserve_index=False)
    pq.write_table(table, folder / "accuracy.parquet", row_group_size=7)
    found = read_table(folder, "accuracy")
    assert found["split"].cat.categories.tolist() == words
    pd.testing.assert_frame_equal(found.astype(str), frame.astype(str))
    assert {str(found[name].cat.codes.dtype) for name in ("split", "pattern")} <= {"int8", "int16"}


@pytest.mark.parametrize("name", ["steps", "pattern", "accuracy"])
def test_an_empty_cell_of_a_later_group_is_told_with_its_row(folder: Path, name: str) -> None:
    frame = read_table(folder, "accuracy").astype({"pattern": "str", "split": "str"}).astype({name: object})
    frame.loc[20, name] = None
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "accuracy.parquet", row_group_size=7)
    with pytest.raises(StudyError, match=f"column {name} holds NaN or an empty cell in row 20"):
        read_table(folder, "accuracy")


def test_too_many_different_words_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_WORDS", 5)
    with pytest.raises(StudyError, match="more than 5 different ones"):
        Study.load(folder)


def test_rows_of_a_split_that_lie_together_are_not_copied(folder: Path) -> None:
    frame = Study.load(folder).accuracy
    assert frame is not None
    for split in ("val", "test"):
        rows = rows_of_split(frame, split)
        pd.testing.assert_frame_equal(rows, frame[frame["split"] == split])
        assert np.shares_memory(rows["accuracy"].to_numpy(), frame["accuracy"].to_numpy())
    mixed = frame.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(rows_of_split(mixed, "val"), mixed[mixed["split"] == "val"])
    assert rows_of_split(frame, "train").empty
