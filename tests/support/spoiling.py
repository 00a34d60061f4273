"""Ways to spoil a study on disk, as damage, a careless program or an enemy would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

Spoil = Callable[[Path], Any]


def rewrite(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Spoil:
    """Write the table back, changed, as a careless other program would: unchecked."""

    def spoil(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        frame = pd.read_parquet(path)
        pq.write_table(pa.Table.from_pandas(change(frame)), path)

    return spoil


def cell(name: str, column: str, value: Any, kind: str | None = None) -> Spoil:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: kind or "object" if isinstance(value, str) else frame[column].dtype})
        frame.loc[5, column] = value
        return frame

    return rewrite(name, change)


def about(**changes: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "study.json"
        values = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}))

    return spoil


def config(**changes: Any) -> Spoil:
    return lambda folder: about(config=json.loads((folder / "study.json").read_text())["config"] | changes)(folder)


def raw(name: str, content: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(content)


def cut(name: str, share: float) -> Spoil:
    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return spoil


def weights(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "weights.safetensors"
        save_file(change(load_file(path)), path)

    return spoil


def replaced(name: str, make: Callable[[Path], Any]) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return spoil
