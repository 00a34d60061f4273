"""Whether a data set can give the episodes that a training asks for: seen and told before anything starts."""

from __future__ import annotations

import numpy as np

from lambda_core.config import MetaTrainConfig, SweepConfig
from lambda_core.data import SPLITS, ImageDataset
from lambda_core.jobs import JobError

WORDS = {"train": "to train", "val": "to validate", "test": "to test"}


def split_words(data: ImageDataset) -> str:
    """Such as `8 classes: 4 to train, 2 to validate, 2 to test, so at most 2-way; at least 20 images a class`."""
    counts = {split: len(data.splits[split]) for split in SPLITS}
    told = ", ".join(f"{count} {WORDS[split]}" for split, count in counts.items())
    return (
        f"{len(data.classes)} classes: {told}, so at most {min(counts.values())}-way; "
        f"at least {_fewest_images(data)} images a class, so at most {_fewest_images(data)} shots and queries together"
    )


def check_fits(data: ImageDataset, config: MetaTrainConfig) -> None:
    """Raises JobError that says what would fit."""
    most = min(len(data.splits[split]) for split in ("val", "test"))
    if config.ways > most:
        raise JobError(
            f"{config.ways}-way episodes need {config.ways} classes in each split, and {data.name} has "
            f"{split_words(data).partition(', so')[0].partition(': ')[2]}: set ways to {most} or less"
        )
    fewest = _fewest_images(data)
    if config.shots + config.queries > fewest:
        raise JobError(
            f"{config.shots} shots and {config.queries} queries need {config.shots + config.queries} images of a "
            f"class, and one of {data.name} has {fewest}: set queries to {max(fewest - config.shots, 1)} or less"
        )


def check_sweep_fits(data: ImageDataset, training: MetaTrainConfig, config: SweepConfig) -> None:
    """The same for a sweep of a trained model on these images. training: the model's settings. Raises JobError."""
    classes = {split: data.class_indices(split) for split in ("val", "test")}
    if training.ways > min(map(len, classes.values())):
        told = ", ".join(f"{len(each)} {WORDS[split]}" for split, each in classes.items())
        raise JobError(
            f"{training.ways}-way episodes need {training.ways} classes in each of two splits, and {data.name} has "
            f"{told}: bring a zip with so many in its val and test folders, or take a model of fewer ways"
        )
    fewest = min(len(images) for each in classes.values() for _, images in each)
    if training.shots + config.queries > fewest:
        most = fewest - training.shots
        raise JobError(
            f"{training.shots} shots and {config.queries} queries need {training.shots + config.queries} images of a "
            f"class, and one of {data.name} has {fewest}: "
            + (f"set queries to {most} or less" if most > 0 else "bring more images, or take a model of fewer shots")
        )


def _fewest_images(data: ImageDataset) -> int:
    return int(np.bincount(data.labels, minlength=len(data.classes)).min())
