"""Tables, weights and arrays as a careless program or an enemy would write them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

Spoil = Callable[[Path, Random], None]


def _table(change: Callable[[pd.DataFrame, Random], pd.DataFrame]) -> Spoil:
    def spoil(path: Path, chance: Random) -> None:
        frame = pd.read_parquet(path)
        frame = frame.assign(**{name: frame[name].astype(str) for name in frame.select_dtypes("category")})
        pq.write_table(pa.Table.from_pandas(change(frame, chance)), path, use_dictionary=chance.random() < 0.5)

    return spoil


def _column(frame: pd.DataFrame, chance: Random) -> str:
    return str(chance.choice(list(frame.columns)))


def _other_cell(frame: pd.DataFrame, chance: Random) -> pd.DataFrame:
    name, row = _column(frame, chance), chance.randrange(len(frame))
    value = chance.choice([float("nan"), float("inf"), -1.0, 1e300, 7.0])
    column = frame[name].astype(float if frame[name].dtype.kind in "iuf" else str).astype(object)
    column.iloc[row] = value if frame[name].dtype.kind in "iuf" else chance.choice(["x", "", "0" * 9999, "01/10"])
    return frame.assign(**{name: column})


def _other_type(frame: pd.DataFrame, chance: Random) -> pd.DataFrame:
    name = _column(frame, chance)
    kinds: list[Callable[[pd.Series], Any]] = [
        lambda column: column.astype(str),
        lambda column: pd.Series(range(len(column))).astype(float),
        lambda column: pd.Series([b"\xff"] * len(column)),
        lambda column: pd.Series([[1, 2]] * len(column)),
        lambda column: pd.Series([{"x": 1}] * len(column)),
        lambda column: pd.to_datetime(pd.Series(range(len(column)))),
        lambda column: pd.Series([True] * len(column)),
        lambda column: pd.Series([None] * len(column)),
        lambda column: pd.Series(range(len(column))).astype(np.int64) + 2**40,
    ]
    return frame.assign(**{name: chance.choice(kinds)(frame[name])})


def _rows(frame: pd.DataFrame, chance: Random) -> pd.DataFrame:
    return chance.choice(
        [
            frame.head(0),
            frame.drop(index=chance.randrange(len(frame))),
            pd.concat([frame, frame.iloc[[chance.randrange(len(frame))]]]),
            frame.sample(frac=1.0, random_state=chance.randrange(99)),
            pd.concat([frame] * chance.randint(2, 9)),
        ]
    )


def _bomb_of_rows(path: Path, chance: Random) -> None:
    """Columns of one value, run-length encoded: a few kB that claim millions of rows."""
    table = pa.Table.from_pandas(pd.read_parquet(path), preserve_index=False).slice(0, 1)
    rows = chance.randint(3, 30) * 1_000_000
    same = pa.array(np.zeros(rows, np.int8))
    arrays = [
        same.cast(pa.bool_()) if pa.types.is_boolean(column.type) else pa.DictionaryArray.from_arrays(
            same, pa.array([""] if column.null_count else column.to_pylist()))
        for column in table.columns
    ]  # fmt: skip
    pq.write_table(pa.table(arrays, names=table.column_names), path, compression="zstd")


def _bomb_of_a_word(path: Path, chance: Random) -> None:
    frame = pd.read_parquet(path)
    words = [name for name in frame if frame[name].dtype.kind == "O" or frame[name].dtype.name == "category"]
    name = str(chance.choice(words or list(frame.columns)))
    table = pa.Table.from_pandas(frame.astype({name: str}), preserve_index=False)
    word = pa.array(["0" * (chance.randint(1, 300) << 20)])
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(frame), np.int32)), word)
    table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=1 << 30, write_statistics=False)


def _metadata(path: Path, chance: Random) -> None:
    table = pq.read_table(path)
    notes = {b"pandas": chance.choice([b"{", b"[" * 9999, b'{"columns": 7, "index_columns": ["x"]}', b"\xff" * 99])}
    pq.write_table(table.replace_schema_metadata(notes), path)


def _columns_twice(path: Path, chance: Random) -> None:
    table = pq.read_table(path)
    name = chance.choice(table.column_names)
    pq.write_table(table.append_column(name, table.column(name)), path)


TABLES: dict[str, Spoil] = {
    "another cell": _table(_other_cell),
    "another type": _table(_other_type),
    "a column lost": _table(lambda frame, chance: frame.drop(columns=_column(frame, chance))),
    "a column renamed": _table(lambda frame, chance: frame.rename(columns={_column(frame, chance): "x"})),
    "a column more": _table(lambda frame, chance: frame.assign(**{chance.choice(["x", "", "a" * 999]): 1})),
    "other rows": _table(_rows),
    "a bomb of rows": _bomb_of_rows,
    "a bomb of a word": _bomb_of_a_word,
    "odd notes": _metadata,
    "a column twice": _columns_twice,
}


def _weights(change: Callable[[dict[str, np.ndarray], str, Random], dict[str, np.ndarray]]) -> Spoil:
    def spoil(path: Path, chance: Random) -> None:
        weights = load_file(path)
        save_file(change(weights, chance.choice(list(weights)), chance), path)

    return spoil


def _header(change: Callable[[dict[str, Any], str, Random], Any]) -> Spoil:
    """The JSON at the start of a safetensors file, changed; the values stay."""

    def spoil(path: Path, chance: Random) -> None:
        content = path.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        name = chance.choice([key for key in header if key != "__metadata__"])
        text = json.dumps(change(header, name, chance)).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])

    return spoil


def _header_field(header: dict[str, Any], name: str, chance: Random) -> dict[str, Any]:
    key, values = chance.choice(
        [
            ("dtype", ["F64", "I8", "BOOL", "BF16", "F8_E4M3", "X", 3, None]),
            ("shape", [[], [0], [2**62, 4], [-1], [1.5], "x", [1] * 999, None]),
            ("data_offsets", [[0, 0], [0, 2**63], [-4, 0], [9, 3], [1], "x", None]),
        ]
    )
    header[name] = header[name] | {key: chance.choice(values)}
    return header


def _odd(weights: dict[str, np.ndarray], name: str, chance: Random) -> dict[str, np.ndarray]:
    value = weights[name].copy()
    value.reshape(-1)[chance.randrange(value.size)] = chance.choice([np.nan, np.inf, -np.inf])
    return weights | {name: value}


WEIGHTS: dict[str, Spoil] = {
    "another header": _header(_header_field),
    "a name twice over": _header(lambda header, name, chance: header | {name + chance.choice("x.\0\n"): header[name]}),
    "a lost name": _header(lambda header, name, chance: {k: v for k, v in header.items() if k != name}),  # noqa: ARG005
    "a header of another kind": _header(lambda header, name, chance: chance.choice([[], 3, "x", None, {}])),  # noqa: ARG005
    "NaN and infinity": _weights(_odd),
    "another shape": _weights(lambda weights, name, chance: weights | {name: weights[name][..., :1].copy()}),  # noqa: ARG005
    "another type": _weights(lambda weights, name, chance: weights | {
        name: weights[name].astype(chance.choice([np.float64, np.float16, np.int64, np.bool_]))}),
    "a layer more": _weights(lambda weights, name, chance: weights | {"x.weight": weights[name]}),  # noqa: ARG005
    "an absurd length": lambda path, chance: path.write_bytes(
        struct.pack("<Q", chance.choice([0, 1, 2**31, 2**63, 2**64 - 1])) + path.read_bytes()[8:]) and None,
}  # fmt: skip


def _array(change: Callable[[np.ndarray, Random], np.ndarray]) -> Spoil:
    def spoil(path: Path, chance: Random) -> None:
        np.save(path, change(np.load(path), chance), allow_pickle=True)

    return spoil


NPY_HEADERS = [
    ("(10**9, 32, 32, 3)", "|u1", "False"),
    ("(1000000000, 32, 32, 3)", "|u1", "False"),
    ("(-1,)", "<i8", "False"),
    ("()", "|u1", "False"),
    ("(12,)", "|O", "False"),
    ("(12,)", "[('a', '<i8')]", "True"),
    ("(12,)", "<i8", "7"),
    ("(" * 90 + ")" * 90, "|u1", "False"),
    ("(12,)", "__import__('os').system('x')", "False"),
]


def _npy_header(path: Path, chance: Random) -> None:
    """Another header before the same values."""
    content = path.read_bytes()
    (length,) = struct.unpack("<H", content[8:10])
    shape, kind, order = chance.choice(NPY_HEADERS)
    text = f"{{'descr': {kind!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    text = text.ljust(max(len(text), length) - 1) + b"\n"
    path.write_bytes(content[:8] + struct.pack("<H", len(text)) + text + content[10 + length :])


def _all_claimed(path: Path, chance: Random) -> None:
    """A header that claims gigabytes, and a file of holes that has them."""
    count = chance.choice([10**6, 10**8, 10**9])
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, 32, 32, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + count * 32 * 32 * 3)


ARRAYS: dict[str, Spoil] = {
    "another type": _array(lambda array, chance: array.astype(chance.choice(["f8", "i4", "u2", "bool", "O", "S1"]))),
    "another shape": _array(lambda array, chance: array[..., None] if chance.random() < 0.5 else array.reshape(-1)),
    "fewer": _array(lambda array, chance: array[: chance.randrange(len(array))]),
    "other values": _array(lambda array, chance: array - chance.choice([1, 99]) if array.ndim == 1 else ~array),
    "another order": _array(lambda array, chance: np.asfortranarray(array)),  # noqa: ARG005
    "another header": _npy_header,
    "all that it claims": _all_claimed,
}
