"""The tables of a study as parquet: columns, small on disk, read with distrust, a column at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lambda_core.errors import StudyError
from lambda_core.studies.sums import read_file
from lambda_core.studies.tables.schemas import TABLES, Column
from lambda_core.system import first_line, write_with

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
    with _told(path, "cannot hold these values"):
        table = _to_arrow(frame, columns)
    _check_values(path, table.to_pandas(), columns)
    with _told(path, "cannot be written"):
        write_with(path, lambda part: _write(table, part))


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read `<name>.parquet`: known columns only, in the small dtypes of the schema, words as categories.

    Raises StudyError that names the file and the fault; nothing in a hostile file is executed.
    """
    return parse_table(folder, name, read_file(folder, f"{name}.parquet", None))


def parse_table(folder: Path, name: str, content: bytes) -> pd.DataFrame:
    """`read_table` of the file's content."""
    with opened(folder, name, content) as table:
        return pd.DataFrame({each: table.column(each) for each in table.columns}, copy=False)


def rows_of_split(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    """The rows of one split; those that lie together, as a sweep writes them, are not copied."""
    found = (frame["split"] == split).to_numpy()
    first, count = int(found.argmax()), int(np.count_nonzero(found))
    together = bool(found[first : first + count].all())
    return frame.iloc[first : first + count] if together else frame[found]


@dataclass(frozen=True, eq=False)
class OpenTable:
    """A parquet file whose footer was looked at. Its columns are read one by one, checked against the schema."""

    path: Path
    file: pq.ParquetFile
    columns: dict[str, Column]

    def column(self, name: str) -> NDArray[Any] | pd.Categorical:
        """(rows,) in the small dtype of the schema; words as categories in order of first appearance.

        Filled group by group: a large column is never there in its wider type as a whole. Raises StudyError.
        """
        column, rows = self.columns[name], self.file.metadata.num_rows
        filled = _Words(rows) if pa.types.is_dictionary(column.type) else _Numbers(rows, column)
        end = 0
        for number in range(self.file.num_row_groups):
            found = self._cells(name, number)
            if found.null_count and not column.nan:
                row = end + pc.index(pc.is_null(found), True).as_py()
                raise StudyError(f"{self.path}: column {name} holds NaN or an empty cell in row {row}")
            start, end = end, end + len(found)
            filled.fill(start, end, found)
        if end != rows:
            raise ValueError(f"{rows:,} rows are claimed, and {end:,} are there")
        values = filled.values()
        _check_column(self.path, name, pd.Series(values, copy=False), column)
        return values

    def _cells(self, name: str, group: int) -> Any:
        """Of one group of rows, in the type of the schema; what stands for them where the file lacks the column."""
        column = self.columns[name]
        if name not in self.file.schema_arrow.names:
            many = self.file.metadata.row_group(group).num_rows
            return pa.array([column.lacking] * many).cast(column.type)
        cells = self.file.read_row_group(group, columns=[name]).column(name)
        if not _same_kind(cells.type, column.type):
            raise StudyError(f"{self.path}: column {name} holds {cells.type}, not {column.type}")
        if pa.types.is_dictionary(column.type):
            cells.validate(full=True)  # whatever follows trusts each code to stand for a word
            _refuse_long_words(self.path, name, cells)
        return cells.cast(column.type).unify_dictionaries().combine_chunks()


@contextmanager
def opened(folder: Path, name: str, content: bytes) -> Iterator[OpenTable]:
    """The table `<name>.parquet` of this content, to read columns of. Raises StudyError, inside the block too."""
    path, columns = folder / f"{name}.parquet", TABLES[name]
    with _told(path, "is no readable parquet table"):
        source = pa.BufferReader(_arrows_own(content))
        names = pq.read_schema(source).names
        words = [each for each in columns if each in names and pa.types.is_dictionary(columns[each].type)]
        # words stay dictionaries while read: a long text repeated a million times costs nothing
        with pq.ParquetFile(source, read_dictionary=words, page_checksum_verification=True) as file:
            _refuse_bomb(path, file.metadata, len(columns))
            _require(path, names, columns)
            if file.metadata.num_rows == 0:
                raise StudyError(f"{path} has no rows")
            yield OpenTable(path, file, columns)


def _arrows_own(content: bytes) -> pa.Buffer:
    """The same in memory that Arrow allocates and frees.

    A thread of its pool lets go of what it read a moment after the answer is there. To free memory of Python's it asks
    Python, which aborts the process if that has begun to end: whole work with exit code -6.
    """
    memory = pa.BufferOutputStream()
    memory.write(content)
    return memory.getvalue()


class _Numbers:
    """A column of numbers, filled in parts."""

    def __init__(self, rows: int, column: Column) -> None:
        self.numbers = np.empty(rows, column.type.to_pandas_dtype())

    def fill(self, start: int, end: int, found: Any) -> None:
        self.numbers[start:end] = found.to_numpy(zero_copy_only=False)

    def values(self) -> NDArray[Any]:
        return self.numbers


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

    def values(self) -> pd.Categorical:
        return pd.Categorical.from_codes(self.codes, pd.Index(list(self.texts), dtype=str))


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
        _check_column(path, name, frame[name], column)


def _check_column(path: Path, name: str, values: pd.Series, column: Column) -> None:
    if not column.nan and values.isna().any():
        raise StudyError(f"{path}: column {name} holds NaN or an empty cell in row {int(values.isna().argmax())}")
    if not (pa.types.is_dictionary(column.type) or pa.types.is_boolean(column.type)):
        _check_range(path, name, values.to_numpy(), column)


def _check_range(path: Path, name: str, values: np.ndarray, column: Column) -> None:
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)  # NaN is skipped; only NaN compares as right
    if low < column.low or high > column.high:
        wrong = low if low < column.low else high
        raise StudyError(f"{path}: column {name} holds {wrong:g}, outside {column.low:g} to {column.high:g}")


@contextmanager
def _told(path: Path, fault: str) -> Iterator[None]:
    """Whatever pyarrow or the disk raises becomes a StudyError."""
    try:
        yield
    except StudyError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise StudyError(f"{path} {fault}: {first_line(error)}") from error
