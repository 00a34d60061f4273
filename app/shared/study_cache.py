"""Studies, loaded once and kept as long as their files stay the same."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from lambda_core.data import list_datasets
from lambda_core.errors import StudyError
from lambda_core.studies import Study, studies_root

Stamp = tuple[tuple[str, int, int], ...]


def shelf() -> tuple[dict[str, Study], list[StudyError]]:
    """Every study by name, and what is wrong with those that cannot be read."""
    studies, errors = {}, []
    for folder in _folders(studies_root()):
        found = _load(str(folder), _stamp(folder))
        if isinstance(found, Study):
            studies[found.name] = found
        else:
            errors.append(found)
    return dict(sorted(studies.items(), key=_worth)), errors


def stamp(study: Study) -> Stamp:
    """What changes when a file of the study changes: a key for whatever is computed from it."""
    return _stamp(Path(study.folder))


def _worth(item: tuple[str, Study]) -> tuple[bool, bool, str]:
    # measured studies first, real photographs before the others: a first visit lands on a working figure
    name, study = item
    return study.accuracy is None, not name.startswith("cifar-fs-5w1s"), name


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(folder for folder in root.iterdir() if folder.is_dir() and not _is_hidden_or_young(folder))


def _is_hidden_or_young(folder: Path) -> bool:
    """A study whose first training is still under way has a checkpoint only: nothing to see, nothing wrong."""
    young = (folder / "checkpoint").is_dir() and not (folder / "study.json").exists()
    return folder.name.startswith(".") or young


@st.cache_resource(max_entries=64, show_spinner=False)
def _load(folder: str, stamp: Stamp) -> Study | StudyError:  # noqa: ARG001 (the stamp is the key)
    try:
        return Study.load(Path(folder))
    except StudyError as error:
        return error


def _stamp(folder: Path) -> Stamp:
    marks = ((file, file.stat()) for file in sorted(folder.iterdir()) if file.is_file())
    return tuple((str(file), mark.st_mtime_ns, mark.st_size) for file, mark in marks)


def timings(study: Study) -> dict[str, str]:
    """Key → words of every device and thread count that the study was timed on: {"cpu-1": "CPU, 1 thread"}."""
    if study.timing is None:
        return {}
    pairs = study.timing[["device", "threads"]].drop_duplicates().itertuples(index=False)
    return {f"{device}-{threads}": _device_words(str(device), int(threads)) for device, threads in pairs}


def timing_of(study: Study, key: str) -> pd.DataFrame:
    """The rows of one device and thread count."""
    device, _, threads = key.rpartition("-")
    table = study.timing
    return table[(table["device"] == device) & (table["threads"] == int(threads))]


def _device_words(device: str, threads: int) -> str:
    if device != "cpu":
        return "GPU"
    return f"CPU, {threads} thread" + ("s" if threads != 1 else "")


@st.cache_data(ttl=20, max_entries=4, show_spinner=False)
def data_sets() -> list[str]:
    """The data sets that can be used right now, the sinusoid among them."""
    return [info.name for info in list_datasets() if info.state in ("built in", "prepared")]
