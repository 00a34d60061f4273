"""Episodes and adaptations for the pages that show them: both with torch, the adaptations in a worker process.

Torch comes with the first call, behind a visible status. Adaptations take turns, so that the times of one visitor are
not spoilt by another's.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import streamlit as st

from app.shared import study_cache
from app.shared.study_cache import BY_FILES
from lambda_core.data import ImageDataset, load_dataset
from lambda_core.errors import DataError
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study
from lambda_core.system import WorkerProcess

if TYPE_CHECKING:
    from lambda_core.adaptation import Trace
    from lambda_core.episodes import Episode
    from lambda_core.workflows import Sine

QUERIES = 15
REPLACED = "The process that adapts was lost or did not answer: a new one took its place."
_worker = WorkerProcess()


@st.cache_resource(show_spinner="Loading PyTorch, once after the server's start …")
def start() -> bool:
    """Import torch once a server; the visitor sees why the page takes a few seconds."""
    from lambda_core.workflows import ready

    _worker.start(ready)
    return _worker.run(ready)


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
    own = data == study.dataset and study.metadata.measured_on.inverted
    return dataset(data).fitted(*study.input, inverted=own != swapped)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def episode(data: str, split: str, seed: int, classes: tuple[str, ...], swapped: bool, study: Study) -> Episode:
    """The episode of a seed, or of the classes asked for, in the size and channels of the study's network."""
    from lambda_core.episodes import EpisodeBank

    bank = EpisodeBank(shown(data, study, swapped=swapped), split, study.config.ways, study.config.shots, QUERIES, seed)
    return bank.of_classes(list(classes)) if classes else bank[0]


def trace_of(
    study: Study, key: Hashable, episode: Episode, pattern: LambdaPattern, steps: int, statistics: str
) -> Trace:
    """The adaptation step by step, timed just now; remembered, so that stepping through it measures nothing anew.

    key: what the episode is made from. statistics: what the queries are normalised by (`query_statistics`).
    """
    with _queue_shown():
        return _trace_of(study, key, episode, pattern, steps, statistics)


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
    _episode: Episode,
    pattern: LambdaPattern,
    steps: int,
    statistics: str,
) -> Trace:
    from lambda_core.workflows import trace_study

    return _worker.run(trace_study, str(study.folder), study_cache.stamp(study), _episode, pattern, steps, statistics)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def why_not_ways(study: Study, ways: int) -> str:
    """Why the study's network cannot tell so many classes apart, as a sentence; empty where it can."""
    from lambda_core.workflows import why_not_ways

    return _worker.run(why_not_ways, str(study.folder), study_cache.stamp(study), ways)


@st.cache_resource(max_entries=16, show_spinner="Writing the graphs, and checking them …", hash_funcs=BY_FILES)
def exported(study: Study, pattern: LambdaPattern, steps: int, lr: float) -> bytes:
    """A zip archive of the adaptation as ONNX graphs. Raises LambdaError where it cannot be exported."""
    from lambda_core.workflows import export_archive

    start()
    return _worker.run(export_archive, str(study.folder), pattern, steps, lr)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_FILES)
def _sine(study: Study, seed: int, pattern: LambdaPattern, steps: int) -> Sine:
    from lambda_core.workflows import trace_sine

    return _worker.run(trace_sine, str(study.folder), study_cache.stamp(study), seed, pattern, steps)
