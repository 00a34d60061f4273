"""A study's model watched while it adapts: what the Live and Learn pages run in a process of their own."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

import torch
from torch import nn
from torch.nn import functional as F

from lambda_core.adaptation import adaptation_steps, trace
from lambda_core.data import ImageDataset, Pictures, load_dataset
from lambda_core.episodes import Episode, EpisodeBank, SinusoidBank
from lambda_core.errors import StudyError
from lambda_core.patterns import LambdaPattern, Sine, Trace
from lambda_core.studies import Study

FINE = 201  # points of a curve that is drawn


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


def trace_pictures(
    folder: str, stamp: Hashable, pictures: Pictures, pattern: LambdaPattern, steps: int, query_statistics: str
) -> Trace:
    """`trace_study` of an episode that comes as pictures. Raises StudyError."""
    return trace_study(folder, stamp, Episode.of(pictures), pattern, steps, query_statistics)


def draw_pictures(
    data: tuple[str, str],
    split: str,
    task: tuple[int, int, int],
    seed: int,
    classes: tuple[str, ...],
    shown: tuple[int, int, bool],
) -> Pictures:
    """The episode of a seed, or of the classes asked for, as pictures.

    data: name of the data set and where it lies. task: ways, shots, queries. shown: size and channels of the network's
    input, and whether dark and light are swapped. Raises DataError.
    """
    size, channels, inverted = shown
    bank = EpisodeBank(_data(*data).fitted(size, channels, inverted=inverted), split, *task, seed)
    return (bank.of_classes(list(classes)) if classes else bank[0]).pictures


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
def _data(name: str, root: str) -> ImageDataset:
    return load_dataset(name, root)


@lru_cache(maxsize=8)
def _loaded(
    folder: str,
    stamp: Hashable,  # noqa: ARG001 (the stamp is a key)
    ways: int | None = None,
) -> tuple[Study, nn.Sequential]:
    study = Study.load(folder)
    return study, study.model(ways)
