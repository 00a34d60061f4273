"""Reading the files of a study with distrust: everything is checked, and a fault names the file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lambda_core.errors import StudyError
from lambda_core.studies.checks import check_accuracy, check_episodes, check_patterns, check_step_sizes
from lambda_core.studies.metadata import StudyMetadata
from lambda_core.studies.sums import check_own_sum, is_there, read_file
from lambda_core.studies.tables import UNKNOWN, Accuracies, parse_table, read_accuracies
from lambda_core.system import first_line

MAX_BYTES = 1 << 20  # of a study.json
OTHERS = ("timing", "search", "episodes")
# table: where study.json says how it was made
MEASURED = {"accuracy": "sweep", "timing": "timing", "search": "search", "episodes": "sweep"}


class Tables(NamedTuple):
    """The tables of a study; None where one is not there yet."""

    training: pd.DataFrame
    accuracies: Accuracies | None
    timing: pd.DataFrame | None
    search: pd.DataFrame | None
    episodes: pd.DataFrame | None


def read_metadata(path: Path) -> StudyMetadata:
    """The checked content of a study.json; keys that this version does not know are kept. Raises StudyError."""
    content = _read_json(path)
    metadata = StudyMetadata.from_dict(content, path)
    check_own_sum(path, content)
    return metadata


def read_tables(folder: Path, metadata: StudyMetadata) -> Tables:
    """All tables in `folder` that study.json knows of, checked to fit it and each other. Raises StudyError.

    A table of which study.json does not say how it was made is passed over: what made it was stopped.
    """
    layers, sums, passed_over = len(metadata.layers), metadata.sums, untold(folder, metadata)
    training = _table(folder, "training", sums)
    there = [name for name in MEASURED if name not in passed_over and is_there(folder, f"{name}.parquet", sums)]
    accuracies = _accuracies(folder, sums) if "accuracy" in there else None
    timing, search, episodes = (_table(folder, name, sums) if name in there else None for name in OTHERS)
    if accuracies is not None:
        check_accuracy(folder / "accuracy.parquet", accuracies, layers)
    if timing is not None:
        check_patterns(folder / "timing.parquet", timing, layers)
        timing = _with_machine(timing, metadata)
    if search is not None:
        check_patterns(folder / "search.parquet", search, layers)
        check_step_sizes(folder / "search.parquet", search, layers)
    if accuracies is None:  # removed, to be swept anew: the classes of its episodes go with it
        episodes = None
    elif episodes is not None:
        check_episodes(folder / "episodes.parquet", episodes, accuracies, metadata.config.ways)
    return Tables(training, accuracies, timing, search, episodes)


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


def untold(folder: Path, metadata: StudyMetadata) -> list[str]:
    """The tables in `folder` of which study.json does not say how they were made: passed over."""
    sums = metadata.sums
    told = {name for name, key in MEASURED.items() if getattr(metadata, key) is not None}
    known = {name for name in told if sums is None or f"{name}.parquet" in sums}
    return [name for name in MEASURED if name not in known and os.path.lexists(folder / f"{name}.parquet")]


def missing(folder: Path, metadata: StudyMetadata) -> list[str]:
    """The tables that study.json lists and that somebody has removed: as if they were not measured yet."""
    listed = [name for name in MEASURED if f"{name}.parquet" in (metadata.sums or {})]
    return [name for name in listed if not is_there(folder, f"{name}.parquet", metadata.sums)]


def _table(folder: Path, name: str, sums: Mapping[str, str] | None) -> pd.DataFrame:
    return parse_table(folder, name, read_file(folder, f"{name}.parquet", sums))


def _accuracies(folder: Path, sums: Mapping[str, str] | None) -> Accuracies:
    return read_accuracies(folder, read_file(folder, "accuracy.parquet", sums))


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
