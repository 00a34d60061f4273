"""Studies and data sets, read once and kept as long as their files stay the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from lambda_core.data import list_datasets
from lambda_core.errors import StudyError
from lambda_core.selection import TimingCondition, timing_conditions
from lambda_core.studies import UNKNOWN, Study, known_folders, load_checked

Stamp = tuple[tuple[str, int, int], ...]  # of every file: path, time of change, size


def studies() -> tuple[dict[str, Study], list[StudyError]]:
    """Every study by name, and what is wrong with those that cannot be read."""
    try:
        folders = known_folders()
    except StudyError as error:
        return {}, [error]
    found = [_load(str(folder), str(root), _stamp(folder)) for root, folder in folders]
    good = sorted((each for each in found if isinstance(each, Study)), key=_rank)
    return {study.name: study for study in good}, [each for each in found if isinstance(each, StudyError)]


def _rank(study: Study) -> tuple[bool, bool, str]:
    # measured studies first, real photographs before the others: a first visit lands on a working figure
    return study.accuracies is None, not study.name.startswith("cifar-fs-5w1s"), study.name


@lru_cache(maxsize=64)  # not Streamlit's cache, whose keys cost a millisecond each: this runs over all studies
def _load(folder: str, root: str, stamp: Stamp) -> Study | StudyError:  # noqa: ARG001 (the stamp is a key)
    try:
        return load_checked(Path(folder), root)
    except StudyError as error:
        return error


def _stamp(folder: Path) -> Stamp:
    try:
        marks = [(file, file.stat()) for file in sorted(folder.iterdir()) if file.is_file()]
    except OSError:  # loading it says what is wrong
        return ()
    return tuple((str(file), mark.st_mtime_ns, mark.st_size) for file, mark in marks)


def stamp(study: Study) -> Stamp:
    """What changes when a file of the study changes."""
    return _stamp(study.folder)


# for `st.cache_resource`: whatever is computed from a study is remembered as long as its files stay the same
BY_FILES: dict[str | type, Callable[[Any], Any]] = {Study: lambda study: repr(stamp(study))}


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def conditions(study: Study) -> dict[str, TimingCondition]:
    """Every machine, device and thread count that a measured study was timed on, by its key in the address.

    Commonest first: the first is the library's default. A second machine or torch version is cpu-1-2, and so on.
    """
    found: dict[str, TimingCondition] = {}
    for condition in timing_conditions(study.times()):
        alike = sum(known.key == condition.key for known in found.values())
        found[f"{condition.key}-{alike + 1}" if alike else condition.key] = condition
    return found


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def peaks(study: Study) -> list[int]:
    """What the adaptations of a study need in memory at their most, bytes, each once; empty where not counted."""
    totals = study.times()[["weight_bytes", "kept_bytes", "workspace_bytes"]].sum(axis=1)
    return sorted({int(total) for total in totals if total})


def has_step_sizes(study: Study) -> bool:
    """Whether candidates of a measured study differ in their step size."""
    return len(study.step_sizes) > 1


def describe_condition(condition: TimingCondition) -> str:
    """Such as `CPU, 1 thread, AMD EPYC`."""
    machine = "" if condition.processor in (None, UNKNOWN) else f", {condition.processor}"
    machine += f", {condition.torch}" if condition.is_exported else ""
    if condition.device != "cpu":
        return f"GPU{machine}"
    return f"CPU, {condition.threads} thread" + ("s" if condition.threads != 1 else "") + machine


@st.cache_data(ttl=20, max_entries=4, show_spinner=False)
def data_sets() -> list[str]:
    """The data sets that can be used right now, the sinusoid among them."""
    return [info.name for info in list_datasets() if info.state in ("built in", "prepared")]
