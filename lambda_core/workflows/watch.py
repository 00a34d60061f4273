"""A study's model watched while it adapts: what the Live and Learn pages run in a process of their own."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from lambda_core.adaptation import Trace, adaptation_steps, trace
from lambda_core.episodes import Episode, SinusoidBank
from lambda_core.errors import StudyError
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study

FINE = 201  # points of a curve that is drawn


@dataclass(frozen=True)
class Sine:
    """A regression adapted step by step: support points, true curve, and the fit after each step on `x`.

    support: (K, 2); x, truth: (points,); fits: steps + 1 of (points,); losses: support loss of each fit.
    """

    support: NDArray[np.float32]
    x: NDArray[np.float32]
    truth: NDArray[np.float32]
    fits: tuple[NDArray[np.float32], ...]
    losses: tuple[float, ...]


def ready() -> bool:
    """This process has torch and all that a trace needs at hand."""
    return True


def trace_study(
    folder: str, stamp: Hashable, episode: Episode, pattern: LambdaPattern, steps: int, query_statistics: str
) -> Trace:
    """`trace` of a study's model, for as many classes as the episode names, at its own step size.

    stamp: changes with the study's files. Raises StudyError.
    """
    study, model = _loaded(folder, stamp, len(episode.class_names) or None)
    return trace(model, episode, pattern, steps, study.config.lr, query_statistics)


def why_not_ways(folder: str, stamp: Hashable, ways: int) -> str:
    """Why a study's model cannot serve so many classes, as a sentence; empty where it can."""
    try:
        _loaded(folder, stamp, ways)
    except StudyError as error:
        return str(error)
    return ""


def trace_sine(folder: str, stamp: Hashable, seed: int, pattern: LambdaPattern, steps: int) -> Sine:
    """A sinusoid study's model adapted to the curve of a seed (`SinusoidBank`, test). Raises StudyError."""
    study, model = _loaded(folder, stamp)
    bank = SinusoidBank("test", study.config.shots)
    (amplitude, phase), episode = bank.curve(seed), bank[seed]
    given = episode.support_x, episode.support_y
    states = adaptation_steps(model, *given, pattern, steps, study.config.lr, F.mse_loss)
    models = [state.model for state in states]
    x = torch.linspace(-5, 5, FINE)
    with torch.no_grad():
        fits = tuple(model(x[:, None]).numpy()[:, 0] for model in models)
        losses = tuple(float(F.mse_loss(model(given[0]), given[1])) for model in models)
    truth = (amplitude * torch.sin(x - phase)).numpy()
    return Sine(torch.cat(given, dim=1).numpy(), x.numpy(), truth, fits, losses)


@lru_cache(maxsize=8)
def _loaded(
    folder: str,
    stamp: Hashable,  # noqa: ARG001 (the stamp is a key)
    ways: int | None = None,
) -> tuple[Study, nn.Sequential]:
    study = Study.load(folder)
    return study, study.model(ways)
