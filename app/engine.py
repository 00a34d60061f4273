"""The live part: episodes and adaptations run here and now. Torch comes with the first call, behind a visible status.

Runs take turns, so that the times of one visitor are not spoilt by another's.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

import store
from lambda_core.data import ImageDataset, load_dataset
from lambda_core.errors import DataError
from lambda_core.pattern import LambdaPattern
from lambda_core.study import Study

if TYPE_CHECKING:
    from lambda_core.episode import Episode
    from lambda_core.trace import Trace

QUERIES = 15
HANDOVER = 2e-4  # seconds; every kernel gives the interpreter away, and at the usual 5 ms gets it back too late
_turn = threading.Lock()


def start() -> None:
    """Import torch once a server; the visitor sees why the page takes a few seconds."""
    if "lambda_core.trace" in sys.modules:
        return
    sys.setswitchinterval(HANDOVER)
    with st.spinner("Loading PyTorch, once after the server's start …"):
        import torch  # noqa: F401

        import lambda_core.trace  # noqa: F401


@st.cache_resource(max_entries=8, show_spinner=False)
def _dataset(name: str) -> ImageDataset | DataError:
    try:
        return load_dataset(name)
    except DataError as error:
        return error


def at_hand() -> list[str]:
    """The image data sets that can be used right now."""
    return [name for name in store.data_sets() if name != "sinusoid"]


def dataset(name: str) -> ImageDataset:
    """A prepared data set. Raises DataError that says how to get it."""
    found = _dataset(name)
    if isinstance(found, DataError):
        _dataset.clear(name)  # it may be fetched while the server runs
        raise found
    return found


def episode(data: str, split: str, seed: int, classes: tuple[str, ...], study: Study) -> Episode:
    """The episode of a seed, or of the classes asked for, in the size and channels of the study's network."""
    return _episode(data, split, seed, classes, study.config.ways, study.config.shots, study.input)


@st.cache_resource(max_entries=64, show_spinner=False)
def _episode(
    data: str, split: str, seed: int, classes: tuple[str, ...], ways: int, shots: int, shape: tuple[int, int]
) -> Episode:
    from lambda_core.episode import EpisodeBank

    bank = EpisodeBank(dataset(data), split, ways, shots, QUERIES, seed)
    return fitted(bank.of_classes(list(classes)) if classes else bank[0], *shape)


def fitted(episode: Episode, size: int, channels: int) -> Episode:
    """The episode with its images in the size and channels that a network takes."""
    from torch.nn import functional as F

    def fit(x: Any) -> Any:
        if x.shape[1] != channels:
            x = x.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1)
        return x if x.shape[-1] == size else F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)

    return replace(episode, support_x=fit(episode.support_x), query_x=fit(episode.query_x))


def trace_of(study: Study, key: Any, episode: Episode, pattern: LambdaPattern, steps: int, statistics: str) -> Trace:
    """The adaptation step by step, timed just now; remembered, so that stepping through it measures nothing anew.

    key: what the episode is made from.
    """
    return _trace(study.name, store.stamp(study), key, pattern, steps, statistics, _study=study, _episode=episode)


@st.cache_resource(max_entries=256, show_spinner=False)
def _trace(
    name: str, stamp: Any, key: Any, pattern: LambdaPattern, steps: int, statistics: str,  # noqa: ARG001
    *, _study: Study, _episode: Any,
) -> Trace:  # fmt: skip
    from lambda_core.runtime import prepare
    from lambda_core.trace import trace

    with _turn:
        prepare(threads=1)
        model = _model(name, stamp, _study=_study)
        return trace(model, _episode, pattern, steps, _study.config.lr, query_statistics=statistics)


@dataclass(frozen=True)
class Sine:
    """A regression adapted step by step: the support points, the true curve and the fit after each step on `x`."""

    support: np.ndarray  # (K, 2)
    x: np.ndarray  # (points,)
    truth: np.ndarray  # (points,)
    fits: tuple[np.ndarray, ...]  # steps + 1 of (points,)
    losses: tuple[float, ...]  # support loss after each step


def sine(study: Study, seed: int, pattern: LambdaPattern, steps: int) -> Sine:
    """Adapt the sinusoid study to the curve of a seed."""
    return _sine(study.name, store.stamp(study), seed, pattern, steps, _study=study)


@st.cache_resource(max_entries=64, show_spinner=False)
def _sine(name: str, stamp: Any, seed: int, pattern: LambdaPattern, steps: int, *, _study: Study) -> Sine:
    import torch
    from torch.nn import functional as F

    from lambda_core.episode import SinusoidBank
    from lambda_core.inner_loop import adaptation_steps

    bank = SinusoidBank("test", _study.config.shots)
    (amplitude, phase), episode = bank.curve(seed), bank[seed]
    grid = torch.linspace(-5, 5, 201).reshape(-1, 1)
    with _turn:
        model, given = _model(name, stamp, _study=_study), (episode.support_x, episode.support_y)
        states = adaptation_steps(model, *given, pattern, steps, _study.config.lr, F.mse_loss)
        models = [state.model for state in states]
        with torch.no_grad():
            fits = tuple(model(grid).numpy()[:, 0] for model in models)
            losses = tuple(float(F.mse_loss(model(given[0]), given[1])) for model in models)
    x = grid.numpy()[:, 0]
    return Sine(torch.cat(given, dim=1).numpy(), x, amplitude * np.sin(x - phase), fits, losses)


@st.cache_resource(max_entries=8, show_spinner=False)
def _model(name: str, stamp: Any, *, _study: Study) -> Any:  # noqa: ARG001 (name and stamp are the key)
    return _study.model()
