"""A data set small enough to train on in seconds, on disk and in memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lambda_core.data import ImageDataset
from lambda_core.episodes.source import Source


def tiny_dataset(classes: int = 18, images: int = 10, size: int = 16, channels: int = 1) -> ImageDataset:
    """A third of the classes a split; images of noise around a picture of the class's own."""
    random = np.random.RandomState(0)
    names = tuple(f"class{i}" for i in range(classes))
    pictures = random.randint(0, 256, (classes, 1, size, size, channels))
    noise = random.randint(-60, 60, (classes, images, size, size, channels))
    pixels = np.clip(pictures + noise, 0, 255).astype(np.uint8).reshape(-1, size, size, channels)
    third = classes // 3
    splits = {"train": names[:third], "val": names[third : 2 * third], "test": names[2 * third :]}
    return ImageDataset("tiny", "noise", pixels, np.repeat(np.arange(classes), images), names, splits)


def tiny_source() -> Source:
    source = Source("tiny")
    source.__dict__["images"] = tiny_dataset()  # where the cached property keeps it
    return source


def write_tiny(root: Path) -> Path:
    """The same as a prepared data set; returns the root."""
    return write_dataset(tiny_dataset(), root)


def write_dataset(data: ImageDataset, root: Path) -> Path:
    """A data set as a prepared one below `root`; returns the root."""
    folder = root / data.name
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", data.images)
    np.save(folder / "labels.npy", data.labels)
    meta = {"name": data.name, "source": data.source, "classes": data.classes, "splits": data.splits}
    (folder / "dataset.json").write_text(json.dumps(meta))
    return root
