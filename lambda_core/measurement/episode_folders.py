"""Score a study on fixed episodes given as folders of images, so that outside benchmarks can be run on its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from lambda_core.adaptation import adapt, query_logits
from lambda_core.backbones import Backbone
from lambda_core.data import SUFFIXES, Fit, Looks, read_picture
from lambda_core.episodes import Episode, as_inputs
from lambda_core.errors import DataError
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import half_width_of_mean
from lambda_core.studies import Study


@dataclass(frozen=True)
class Evaluation:
    """Mean query accuracy (0 to 1), half its 95 % interval (None for one episode), and under what it was taken.

    unlike: a sentence where the images look unlike those that the network learned on, as far as that was noted.
    """

    accuracy: float
    half_width: float | None
    episodes: int
    pattern: str
    steps: int
    query_statistics: str
    unlike: str | None = None


def evaluate_folder(
    study: Study,
    folder: Path,
    pattern: LambdaPattern,
    steps: int,
    query_statistics: str = "transductive",
    *,
    inverted: bool = False,
) -> Evaluation:
    """Adapt to every episode of `folder` and score its queries.

    folder/<episode>/support/<class>/*.png and folder/<episode>/query/<class>/*.png (JPEG and WebP too); as many classes
    as the study has ways, or any number where its head has learned nothing yet. inverted: dark and light are swapped.
    Raises DataError that names what is missing or unreadable.
    """
    ways = None if study.serves_any_ways else study.config.ways
    query_statistics = study.statistics_for(query_statistics)
    backbone_for = cache(lambda ways: Backbone.matching(study.model(ways), pattern))
    scores, looks = [], []
    for episode in episodes_of(folder, ways, Fit(*study.input, inverted)):
        looks.append(Looks.of(episode.support_images))
        if looks[-1].contrast == 0:
            raise DataError(
                f"all support images of an episode in {folder} are of one brightness: nothing tells them apart"
            )
        backbone = backbone_for(len(episode.class_names))
        adapted = adapt(backbone, episode.support_x, episode.support_y, pattern, steps, study.config.lr)
        with torch.no_grad():
            logits = query_logits(backbone, adapted.weights, episode.support_x, episode.query_x, query_statistics)
        scores.append(float((logits.argmax(1) == episode.query_y).float().mean()))
    matrix = np.array([scores])
    half = float(half_width_of_mean(matrix)[0]) if len(scores) > 1 else None
    unlike = study.unlike_its_training("The images", Looks.between(looks))
    return Evaluation(float(matrix.mean()), half, len(scores), str(pattern), steps, query_statistics, unlike)


def episodes_of(folder: Path, ways: int | None, fit: Fit) -> Iterator[Episode]:
    """The episodes of a folder, in the order of their names. ways: classes of each; None: any number."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    places = _visible(folder, Path.is_dir)
    if not places:
        raise DataError(f"{folder} holds no episodes: it needs folders such as episode1/support/<class>/image.png")
    for place in places:
        yield _episode(place, ways, fit)


def _episode(place: Path, ways: int | None, fit: Fit) -> Episode:
    names = _class_names(place / "support")
    if ways is not None and len(names) != ways:
        raise DataError(f"{place / 'support'} has {len(names)} classes; the study was trained for {ways}")
    if extra := set(_class_names(place / "query")) - set(names):
        raise DataError(f"{place / 'query'} has a class that the support set lacks: {min(extra)}")
    support_x, support_y = _images(place / "support", names, fit)
    query_x, query_y = _images(place / "query", names, fit)
    episode = Episode(support_x, support_y, query_x, query_y, tuple(names))
    if Looks.of(episode.support_images).contrast == 0:
        raise DataError(f"all images of {place / 'support'} are of one brightness: there is nothing to tell apart")
    return episode


def _class_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; an episode has support/<class>/ and query/<class>/")
    return [each.name for each in _visible(folder, Path.is_dir)]


def _visible(folder: Path, is_wanted: Callable[[Path], bool]) -> list[Path]:
    """What is wanted of a folder, by name; hidden entries are what systems and editors leave there."""
    return sorted(each for each in folder.iterdir() if not each.name.startswith(".") and is_wanted(each))


def _is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES


def _images(folder: Path, names: list[str], fit: Fit) -> tuple[torch.Tensor, torch.Tensor]:
    files = [_visible(folder / name, _is_image) if (folder / name).is_dir() else [] for name in names]
    if empty := [name for name, found in zip(names, files, strict=True) if not found and folder.name == "support"]:
        raise DataError(f"{folder / empty[0]} holds no PNG, JPEG or WebP image")
    pixels = [read_picture(file, fit.size, fit.channels) for found in files for file in found]
    if not pixels:
        raise DataError(f"{folder} holds no PNG, JPEG or WebP image")
    labels = np.repeat(np.arange(len(names)), [len(found) for found in files])
    return as_inputs(fit(np.stack(pixels))), torch.from_numpy(labels)
