"""Reading the files of a study with distrust: everything is checked, and a fault names the file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lambda_core.errors import StudyError
from lambda_core.studies.checks import check_accuracy, check_episodes, check_patterns, file_inside
from lambda_core.studies.metadata import StudyMetadata
from lambda_core.studies.table_schemas import UNKNOWN
from lambda_core.studies.tables import first_line, read_table

MAX_BYTES = 1 << 20  # of a study.json


class Tables(NamedTuple):
    """The tables of a study; None where one is not there yet."""

    training: pd.DataFrame
    accuracy: pd.DataFrame | None
    timing: pd.DataFrame | None
    search: pd.DataFrame | None
    episodes: pd.DataFrame | None


def read_metadata(path: Path) -> StudyMetadata:
    """The checked content of a study.json; keys that this version does not know are kept. Raises StudyError."""
    return StudyMetadata.from_dict(_read_json(path), path)


def read_tables(folder: Path, metadata: StudyMetadata) -> Tables:
    """All tables in `folder`, checked to fit study.json and each other. Raises StudyError."""
    tables = Tables(_table(folder, "training"), *(_table_if_there(folder, name) for name in Tables._fields[1:]))
    layers = len(metadata.layers)
    if tables.accuracy is not None:
        check_accuracy(folder / "accuracy.parquet", tables.accuracy, layers)
    if tables.timing is not None:
        check_patterns(folder / "timing.parquet", tables.timing, layers)
        tables = tables._replace(timing=_with_machine(tables.timing, metadata))
    if tables.search is not None:
        check_patterns(folder / "search.parquet", tables.search, layers)
    if tables.episodes is not None:
        check_episodes(folder / "episodes.parquet", tables.episodes, tables.accuracy, metadata.config.ways)
    return tables


def _with_machine(timing: pd.DataFrame, metadata: StudyMetadata) -> pd.DataFrame:
    """Rows written before they named their machine get that of study.json, which then knew one only."""
    known = {"torch": metadata.timed_with.torch_version, "processor": metadata.timed_with.timed_on}
    return timing.assign(
        **{
            name: timing[name].cat.rename_categories({UNKNOWN: value})
            for name, value in known.items()
            if value is not None and value not in timing[name].cat.categories
        }
    )


def _table(folder: Path, name: str) -> pd.DataFrame:
    file_inside(folder, f"{name}.parquet")
    return read_table(folder, name)


def _table_if_there(folder: Path, name: str) -> pd.DataFrame | None:
    return _table(folder, name) if os.path.lexists(folder / f"{name}.parquet") else None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise StudyError(f"{path} is larger than {MAX_BYTES >> 20} MB: that is no study.json of ours")
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise StudyError(f"{path} is no readable JSON: {first_line(error)}") from error
    if not isinstance(content, dict):
        raise StudyError(f"{path} holds no JSON object")
    return content


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")
