"""The tables of a study as parquet: columns, small on disk, read with distrust."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lambda_core.errors import StudyError
from lambda_core.studies.sums import read_file
from lambda_core.studies.table_schemas import TABLES, Column
from lambda_core.system import first_line, write_with

T = TypeVar("T")
MAX_ROWS, MAX_VALUES = (
    15_000_000,
    100_000_000,
)  # values: rows times columns; a run-length-encoded file of a few kB may claim any number of rows
MOST_WORDS = 1 << 15  # different ones of a column: their codes have two bytes
MAX_SIZE = 1 << 28  # bytes of all values, unpacked: so may a word of hundreds of megabytes
MAX_WORD = 4096  # bytes of one; a pattern of a thousand cells fits


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Check `frame` as `read_table` would, then write `<name>.parquet` whole or not at all.

    name: one of TABLES. Columns that the schema does not know are refused, so that none gets lost.
    Raises StudyError, for a full disk too.
    """
    path, columns = folder / f"{name}.parquet", TABLES[name]
    unknown = sorted(set(map(str, frame.columns)) - set(columns))
    if unknown:
        raise StudyError(f"{path}: no column of this table is named {', '.join(unknown)}; known: {', '.join(columns)}")
    _require(path, list(frame.columns), columns)
    frame = frame.assign(**{name: columns[name].lacking for name in columns if name not in frame})
    table = _guarded(path, "cannot hold these values", lambda: _to_arrow(frame, columns))
    _check_values(path, table.to_pandas(), columns)
    _guarded(path, "cannot be written", lambda: write_with(path, lambda part: _write(table, part)))


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read `<name>.parquet`: known columns only, in the small dtypes of the schema, words as categories.

    Raises StudyError that names the file and the fault; nothing in a hostile file is executed.
    """
    return parse_table(folder, name, read_file(folder, f"{name}.parquet", None))


def parse_table(folder: Path, name: str, content: bytes) -> pd.DataFrame:
    """`read_table` of the file's content."""
    path, columns = folder / f"{name}.parquet", TABLES[name]
    frame = _guarded(path, "is no readable parquet table", lambda: _read(path, content, columns))
    _check_values(path, frame, columns)
    return frame


def rows_of_split(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    """The rows of one split; those that lie together, as a sweep writes them, are not copied."""
    found = (frame["split"] == split).to_numpy()
    first, count = int(found.argmax()), int(np.count_nonzero(found))
    together = bool(found[first : first + count].all())
    return frame.iloc[first : first + count] if together else frame[found]


def _read(path: Path, content: bytes, columns: dict[str, Column]) -> pd.DataFrame:
    source = pa.BufferReader(content)
    names = pq.read_schema(source).names
    there = [name for name in columns if name in names]
    words = [name for name in there if pa.types.is_dictionary(columns[name].type)]
    # words stay dictionaries while read: a long text repeated a million times costs nothing
    with pq.ParquetFile(source, read_dictionary=words, page_checksum_verification=True) as file:
        _refuse_bomb(path, file.metadata, len(columns))
        _require(path, names, columns)
        groups = (_group(path, file, number, there, columns) for number in range(file.num_row_groups))
        return _frame_of(path, groups, file.metadata.num_rows, columns)


def _group(path: Path, file: pq.ParquetFile, number: int, there: list[str], columns: dict[str, Column]) -> pa.Table:
    """One group of rows in the types of the schema: a large file is never there in its wider types as a whole."""
    table = _completed(file.read_row_group(number, columns=there), columns)
    for name, column in columns.items():
        if not _same_kind(table.schema.field(name).type, column.type):
            raise StudyError(f"{path}: column {name} holds {table.schema.field(name).type}, not {column.type}")
        if pa.types.is_dictionary(column.type):
            _refuse_long_words(path, name, table.column(name))
    return table.cast(_schema(columns)).unify_dictionaries()


def _frame_of(path: Path, groups: Iterable[pa.Table], rows: int, columns: Mapping[str, Column]) -> pd.DataFrame:
    """All groups in one frame of `rows` rows, filled group by group: no large table is ever there twice as a whole."""
    words = {name: _Words(rows) for name, column in columns.items() if pa.types.is_dictionary(column.type)}
    numbers = {
        name: np.empty(rows, column.type.to_pandas_dtype()) for name, column in columns.items() if name not in words
    }
    end = 0
    for group in groups:
        start, end = end, end + group.num_rows
        for name, column in columns.items():
            found = group.column(name).combine_chunks()
            if found.null_count and not column.nan:
                row = start + pc.index(pc.is_null(found), True).as_py()
                raise StudyError(f"{path}: column {name} holds NaN or an empty cell in row {row}")
            if name in words:
                words[name].fill(start, end, found)
            else:
                numbers[name][start:end] = found.to_numpy(zero_copy_only=False)
    if end != rows:
        raise ValueError(f"{rows:,} rows are claimed, and {end:,} are there")
    made = {name: words[name].categories() if name in words else numbers[name] for name in columns}
    return pd.DataFrame(made, copy=False)


class _Words:
    """A column of words: each different one is kept once, in the order of first appearance."""

    def __init__(self, rows: int) -> None:
        self.codes: NDArray[np.int16] = np.empty(rows, np.int16)
        self.texts: dict[str, int] = {}

    def fill(self, start: int, end: int, found: Any) -> None:
        """found: a dictionary array of end − start words; empty cells get the code −1."""
        known = [-1 if text is None else self._code(text) for text in found.dictionary.to_pylist()]
        places = np.array([*known, -1], np.int16)
        self.codes[start:end] = places[found.indices.fill_null(-1).to_numpy(zero_copy_only=False)]

    def _code(self, text: str) -> int:
        code = self.texts.setdefault(text, len(self.texts))
        if code >= MOST_WORDS:
            raise ValueError(f"a column of words holds more than {MOST_WORDS:,} different ones")
        return code

    def categories(self) -> pd.Categorical:
        return pd.Categorical.from_codes(self.codes, pd.Index(list(self.texts), dtype=str))


def _completed(table: pa.Table, columns: dict[str, Column]) -> pa.Table:
    """The same table in the order of `columns`, those that it lacks filled with what stands for them."""
    for name, column in columns.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.array([column.lacking] * table.num_rows).cast(column.type))
    return table.select(list(columns))


def _refuse_bomb(path: Path, footer: pq.FileMetaData, columns: int) -> None:
    """What the footer claims is looked at before a row is read."""
    most = min(MAX_ROWS, MAX_VALUES // columns)
    if footer.num_rows > most:
        raise StudyError(f"{path} claims {footer.num_rows:,} rows; at most {most:,} are read")
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    size = sum(group.column(place).total_uncompressed_size for group in groups for place in range(group.num_columns))
    if size > MAX_SIZE or any(group.total_byte_size > MAX_SIZE for group in groups):
        raise StudyError(f"{path} claims {size >> 20:,} MB of values; at most {MAX_SIZE >> 20} MB are read")


def _refuse_long_words(path: Path, name: str, column: pa.ChunkedArray) -> None:
    """Before any is copied: a few kB may hold one of hundreds of megabytes."""
    longest = max((pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0 for chunk in column.chunks), default=0)
    if longest > MAX_WORD:
        raise StudyError(f"{path}: column {name} holds a word of {longest:,} bytes; at most {MAX_WORD:,} are read")


def _write(table: pa.Table, path: Path) -> None:
    dictionary = [field.name for field in table.schema if not pa.types.is_float64(field.type)]
    options = {"compression": "zstd", "compression_level": 9, "write_page_checksum": True}
    pq.write_table(table, path, use_dictionary=dictionary, **options)


def _to_arrow(frame: pd.DataFrame, columns: dict[str, Column]) -> pa.Table:
    arrays = [pa.array(_plain(frame[name], column), from_pandas=False) for name, column in columns.items()]
    return pa.table(arrays, names=list(columns)).cast(_schema(columns)).unify_dictionaries()


def _plain(series: pd.Series, column: Column) -> pd.Series:
    if pa.types.is_dictionary(column.type):
        return series.astype("category").cat.remove_unused_categories()
    # rounding to float32 is meant, so it is done here: Arrow's own cast would call it a loss
    return series.to_numpy(np.float32) if pa.types.is_float32(column.type) else series.to_numpy()


def _schema(columns: dict[str, Column]) -> pa.Schema:
    return pa.schema([(name, column.type) for name, column in columns.items()])


def _require(path: Path, names: list[str], columns: dict[str, Column]) -> None:
    missing = [name for name, column in columns.items() if name not in names and column.lacking is None]
    if missing:
        raise StudyError(f"{path} lacks the column {', '.join(missing)}; it needs {', '.join(columns)}")


def _same_kind(actual: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_dictionary(wanted):
        text = actual.value_type if pa.types.is_dictionary(actual) else actual
        return bool(pa.types.is_string(text) or pa.types.is_large_string(text))
    if pa.types.is_integer(wanted):
        return bool(pa.types.is_integer(actual))
    if pa.types.is_boolean(wanted):
        return bool(pa.types.is_boolean(actual))
    return bool(pa.types.is_floating(actual))


def _check_values(path: Path, frame: pd.DataFrame, columns: dict[str, Column]) -> None:
    if frame.empty:
        raise StudyError(f"{path} has no rows")
    for name, column in columns.items():
        values = frame[name]
        if not column.nan and values.isna().any():
            raise StudyError(f"{path}: column {name} holds NaN or an empty cell in row {int(values.isna().argmax())}")
        if not (pa.types.is_dictionary(column.type) or pa.types.is_boolean(column.type)):
            _check_range(path, name, values.to_numpy(), column)


def _check_range(path: Path, name: str, values: np.ndarray, column: Column) -> None:
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)  # NaN is skipped; only NaN compares as right
    if low < column.low or high > column.high:
        wrong = low if low < column.low else high
        raise StudyError(f"{path}: column {name} holds {wrong:g}, outside {column.low:g} to {column.high:g}")


def _guarded(path: Path, fault: str, work: Callable[[], T]) -> T:
    """What `work` returns; whatever pyarrow or the disk raises becomes a StudyError."""
    try:
        return work()
    except StudyError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise StudyError(f"{path} {fault}: {first_line(error)}") from error
