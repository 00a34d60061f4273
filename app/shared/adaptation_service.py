"""Episodes and adaptations for the pages that show them, made in a worker process: it alone has torch.

It starts with the first call, behind a visible status. Adaptations take turns, so that the times of one visitor are not
spoilt by another's. What is asked of it is asked by name, since importing it would load torch here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import streamlit as st

from app.shared import study_cache
from app.shared.study_cache import BY_FILES
from lambda_core.data import ImageDataset, Pictures, data_root, load_dataset
from lambda_core.errors import DataError
from lambda_core.patterns import LambdaPattern, Sine, Trace
from lambda_core.studies import Study
from lambda_core.system import WorkerProcess, call

QUERIES = 15
REPLACED = "The process that adapts was lost or did not answer: a new one took its place."
_worker = WorkerProcess()


@st.cache_resource(show_spinner="Loading PyTorch, once after the server's start …")
def start() -> bool:
    """Start the process once a server; the visitor sees why the page takes a few seconds."""
    return bool(_asked("ready"))


def _asked(work: str, *given: object) -> Any:
    """What a function of `lambda_core.workflows` answers there; its errors are raised here."""
    return _worker.run(call, f"workflows:{work}", *given)


@st.cache_resource(max_entries=8, show_spinner=False)
def _dataset(name: str) -> ImageDataset | DataError:
    try:
        return load_dataset(name)
    except DataError as error:
        return error


def available_data_sets() -> list[str]:
    """The image data sets that can be used right now."""
    return [name for name in study_cache.data_sets() if name != "sinusoid"]


def dataset(name: str) -> ImageDataset:
    """A prepared data set. Raises DataError that says how to get it."""
    found = _dataset(name)
    if isinstance(found, DataError):
        _dataset.clear(name)  # it may be fetched while the server runs
        raise found
    return found


def shown(data: str, study: Study, *, swapped: bool) -> ImageDataset:
    """A data set as the study's network is shown it; swapped: dark and light, beside what the study swaps itself."""
    return dataset(data).fitted(*study.input, inverted=_inverted(data, study, swapped=swapped))


def _inverted(data: str, study: Study, *, swapped: bool) -> bool:
    own = data == study.dataset and study.metadata.measured_on.inverted
    return bool(own != swapped)


def episode(data: str, split: str, seed: int, classes: tuple[str, ...], swapped: bool, study: Study) -> Pictures:
    """The episode of a seed, or of the classes asked for, in the size and channels of the study's network."""
    with _queue_shown():
        return _episode(data, split, seed, classes, swapped, study)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def _episode(data: str, split: str, seed: int, classes: tuple[str, ...], swapped: bool, study: Study) -> Pictures:
    task = (study.config.ways, study.config.shots, QUERIES)
    shown_as = (*study.input, _inverted(data, study, swapped=swapped))
    found: Pictures = _asked("draw_pictures", (data, str(data_root())), split, task, seed, classes, shown_as)
    return found


def trace_of(
    study: Study, key: Hashable, pictures: Pictures, pattern: LambdaPattern, steps: int, statistics: str
) -> Trace:
    """The adaptation step by step, timed just now; remembered, so that stepping through it measures nothing anew.

    key: what the pictures are made from. statistics: what the queries are normalised by (`query_statistics`).
    """
    with _queue_shown():
        return _trace_of(study, key, pictures, pattern, steps, statistics)


def sine(study: Study, seed: int, pattern: LambdaPattern, steps: int) -> Sine:
    """The sinusoid study adapted to the curve of a seed."""
    with _queue_shown():
        return _sine(study, seed, pattern, steps)


@contextmanager
def _queue_shown() -> Iterator[None]:
    """Within: a visitor who must wait sees for how many others; that a process was replaced is said afterwards."""
    waiting, replaced = _worker.waiting, _worker.replaced
    others = f"{waiting} adaptation{'s' * (waiting > 1)} of other visitors come{'s' * (waiting == 1)} first …"
    with st.spinner(others) if waiting else nullcontext():
        yield
    if _worker.replaced > replaced:
        st.toast(REPLACED, icon=":material/sync:")


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=BY_FILES)
def _trace_of(
    study: Study,
    key: Hashable,  # noqa: ARG001 (stands for the episode)
    _pictures: Pictures,
    pattern: LambdaPattern,
    steps: int,
    statistics: str,
) -> Trace:
    given = str(study.folder), study_cache.stamp(study), _pictures, pattern, steps, statistics
    found: Trace = _asked("trace_pictures", *given)
    return found


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def why_not_ways(study: Study, ways: int) -> str:
    """Why the study's network cannot tell so many classes apart, as a sentence; empty where it can."""
    return str(_asked("why_not_ways", str(study.folder), study_cache.stamp(study), ways))


@st.cache_resource(max_entries=16, show_spinner="Writing the graphs, and checking them …", hash_funcs=BY_FILES)
def exported(study: Study, pattern: LambdaPattern, steps: int, lr: float) -> bytes:
    """A zip archive of the adaptation as ONNX graphs. Raises LambdaError where it cannot be exported."""
    start()
    return bytes(_asked("export_archive", str(study.folder), pattern, steps, lr))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def _sine(study: Study, seed: int, pattern: LambdaPattern, steps: int) -> Sine:
    found: Sine = _asked("trace_sine", str(study.folder), study_cache.stamp(study), seed, pattern, steps)
    return found
