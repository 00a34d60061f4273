"""ImageDataset: images, labels, classes and a class split, checked when made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_core.data.fitting import Fit
from lambda_core.errors import DataError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Pictures:
    """One few-shot task as its images are stored: what an episode is made of, and made back into.

    support: (N·K, H, W, C) uint8, class after class; support_labels: (N·K,) int64; query, query_labels alike.
    """

    support: NDArray[np.uint8]
    support_labels: NDArray[np.int64]
    query: NDArray[np.uint8]
    query_labels: NDArray[np.int64]
    class_names: tuple[str, ...] = ()


_CHUNK = 4096  # images hashed at a time


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images of many classes, each class in at most one split. Raises DataError where the parts do not fit.

    images: (N, H, W, C) uint8, H = W, C = 1 or 3, often memory-mapped; labels: (N,) int64, places in `classes`;
    splits: "train", "val" and "test" to their class names, disjoint. fit: how `pictures` are brought to a network's
    input; None: they are as they are stored.
    """

    name: str
    source: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    splits: dict[str, tuple[str, ...]]
    fit: Fit | None = None

    def __post_init__(self) -> None:
        check_shapes(self.name, self.images, self.labels)
        _check_classes(self)
        _check_labels(self)

    @property
    def size(self) -> int:
        """Height and width of a picture in pixels."""
        return self.fit.size if self.fit else int(self.images.shape[1])

    @property
    def channels(self) -> int:
        return self.fit.channels if self.fit else int(self.images.shape[3])

    def pictures(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(len(places), size, size, channels) uint8: the images at these places, fitted."""
        stored = self.images[places]
        return self.fit(stored) if self.fit else stored

    def fitted(self, size: int, channels: int, *, inverted: bool = False) -> ImageDataset:
        """The same data set, its pictures of this size and number of channels; inverted: dark and light swapped."""
        if (size, channels, inverted) == (self.size, self.channels, False):
            return self
        return replace(self, fit=Fit(size, channels, inverted))

    def class_indices(self, split: str) -> list[tuple[str, NDArray[np.int64]]]:
        """Every class of a split, in the split's order, with the places of its images in file order."""
        if split not in self.splits:
            raise DataError(f"{self.name} has no split {split!r}; the splits are {', '.join(self.splits)}")
        return [(name, self._places[name]) for name in self.splits[split]]

    def fingerprint(self) -> str:
        """SHA-256 (hex) of what an episode can depend on: images, labels, classes and splits; the same everywhere.

        Name and source are left out: the same images under another name give the same episodes. So is `fit`.
        """
        return self._fingerprint

    @cached_property
    def _places(self) -> dict[str, NDArray[np.int64]]:
        order = np.argsort(self.labels, kind="stable")
        bounds = np.searchsorted(self.labels[order], np.arange(len(self.classes) + 1))
        return {name: order[bounds[k] : bounds[k + 1]] for k, name in enumerate(self.classes)}

    @cached_property
    def _fingerprint(self) -> str:
        splits = {split: self.splits[split] for split in SPLITS}
        about = {"shape": self.images.shape, "classes": self.classes, "splits": splits}
        digest = hashlib.sha256(json.dumps(about).encode())
        digest.update(self.labels.astype("<i8").tobytes())
        for start in range(0, len(self.images), _CHUNK):
            digest.update(self.images[start : start + _CHUNK].tobytes())
        return digest.hexdigest()


def check_shapes(name: str, images: NDArray[Any], labels: NDArray[Any]) -> None:
    """What can be known without reading a number. Raises DataError."""
    if images.dtype != np.uint8:
        raise DataError(f"{name}: images must be uint8, not {images.dtype}")
    if images.ndim != 4 or 0 in images.shape or images.shape[1] != images.shape[2] or images.shape[3] not in (1, 3):
        raise DataError(f"{name}: images must be N×H×H×C with C = 1 or 3, not {_shape(images)}")
    if labels.dtype != np.int64 or labels.ndim != 1:
        raise DataError(f"{name}: labels must be N numbers of type int64, not {_shape(labels)} {labels.dtype}")
    if len(labels) != len(images):
        raise DataError(f"{name}: {len(labels)} labels for {len(images)} images")


def _check_classes(data: ImageDataset) -> None:
    _check_names(data.name, "classes", data.classes)
    if set(data.splits) != set(SPLITS):
        raise DataError(f"{data.name}: the splits must be {', '.join(SPLITS)}, not {', '.join(data.splits) or 'none'}")
    seen: dict[str, str] = {}
    known = set(data.classes)
    for split in SPLITS:
        for name in data.splits[split]:
            if name not in known:
                raise DataError(f"{data.name}: split {split} names {name!r}, which is none of the classes")
            if name in seen:
                raise DataError(f"{data.name}: class {name!r} is in {seen[name]} and again in {split}; once is right")
            seen[name] = split


def _check_names(dataset: str, what: str, names: tuple[str, ...]) -> None:
    if not names:
        raise DataError(f"{dataset}: {what} is empty")
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"{dataset}: {what} names {twice!r} twice")


def _check_labels(data: ImageDataset) -> None:
    labels = data.labels
    if labels.min() < 0 or labels.max() >= len(data.classes):
        wrong = int(labels.min()) if labels.min() < 0 else int(labels.max())
        raise DataError(f"{data.name}: label {wrong} is outside 0 … {len(data.classes) - 1}")
    counts = np.bincount(labels, minlength=len(data.classes))
    if not counts.all():
        raise DataError(f"{data.name}: class {data.classes[int(counts.argmin())]!r} has no image")


def _shape(array: NDArray[Any]) -> str:
    return "×".join(map(str, array.shape)) or "a single number"
