"""Seeded N-way K-shot episodes of one split of an image data set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lambda_core.data import ImageDataset
from lambda_core.episodes.episode import Episode, as_inputs
from lambda_core.episodes.sampling import SPLITS, draw, drawn_classes, generator, shifted
from lambda_core.errors import DataError


class EpisodeBank:
    """Seeded N-way K-shot episodes of one split of an image data set.

    `rotations`: a class turned by 90, 180 and 270 degrees counts as three more classes (Omniglot's training custom).
    `flips`: each image is mirrored with probability ½. `max_shift`: each is moved by up to so many pixels both ways,
    its border reflected. Raises DataError where a split has too few classes, or a class too few images for K + Q.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        split: str,
        ways: int = 5,
        shots: int = 1,
        queries: int = 15,
        seed: int = 0,
        *,
        rotations: bool = False,
        flips: bool = False,
        max_shift: int = 0,
    ) -> None:
        if split not in SPLITS:
            raise DataError(f"no split is named {split!r}; the splits are train, val and test")
        self.dataset, self.split, self.seed = dataset, split, seed
        self.ways, self.shots, self.queries = ways, shots, queries
        self.flips, self.max_shift = flips, max_shift
        turns = range(4) if rotations else range(1)
        self.classes = [(name, images, turn) for turn in turns for name, images in dataset.class_indices(split)]
        self._check()

    def _check(self) -> None:
        where = f"the {self.split} split of {self.dataset.name}"
        if self.ways < 2:
            raise DataError(f"{where}: episodes of {self.ways} ways leave nothing to tell apart; ask for 2 or more")
        if len(self.classes) < self.ways:
            raise DataError(f"{where} has {len(self.classes)} classes, too few for {self.ways} ways")
        name, images, _ = min(self.classes, key=lambda item: len(item[1]))
        left = len(images) - self.shots
        if left < self.queries:
            most = f"at most {left} queries" if left > 0 else f"fewer than {len(images)} shots"
            raise DataError(
                f"{where}: class {name!r} has {len(images)} images, too few for {self.shots} shots and "
                f"{self.queries} queries; ask for {most}"
            )

    def __getitem__(self, index: int) -> Episode:
        """Episode `index` ≥ 0: drawn from a generator of its own, so no other episode need be drawn before it."""
        random = generator(self.seed, self.split, index)
        return self.episode([self.classes[i] for i in draw(random, len(self.classes), self.ways)], random)

    def classes_of(self, index: int) -> NDArray[np.int64]:
        """(ways,) places in `classes` of what episode `index` tells apart, in the order of its labels."""
        return drawn_classes(self.seed, self.split, index, len(self.classes), self.ways)

    def __iter__(self) -> Iterator[Episode]:
        raise TypeError("a bank of episodes has no end: take bank[i], or for i in range(count)")

    def of_classes(self, names: list[str], index: int = 0) -> Episode:
        """An episode of the classes asked for by name, in that order; images by (seed, index)."""
        known = {name: (name, images, turn) for name, images, turn in reversed(self.classes)}
        missing = [name for name in names if name not in known]
        if missing:
            raise DataError(f"the {self.split} split of {self.dataset.name} has no class {missing[0]!r}")
        return self.episode([known[name] for name in names], generator(self.seed, self.split, index))

    def episode(self, classes: list[tuple[str, NDArray[np.int64], int]], random: np.random.RandomState) -> Episode:
        count = self.shots + self.queries
        drawn = [images[draw(random, len(images), count)] for _, images, _ in classes]
        turns = [turn for _, _, turn in classes]
        pixels = self._varied(
            np.stack([np.rot90(self.dataset.pictures(i), turn, (1, 2)) for i, turn in zip(drawn, turns, strict=True)]),
            random,
        )
        support, query = pixels[:, : self.shots], pixels[:, self.shots :]
        labels = torch.arange(len(classes))
        return Episode(
            as_inputs(support.reshape(-1, *pixels.shape[2:])),
            labels.repeat_interleave(self.shots),
            as_inputs(query.reshape(-1, *pixels.shape[2:])),
            labels.repeat_interleave(self.queries),
            tuple(name for name, _, _ in classes),
        )

    def batches(self, size: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images of the split once, in the order of (seed, epoch): (size, C, H, W) float32 and (size,) int64.

        Labels are places in `classes`. What is left over at the end, fewer than `size`, is dropped.
        """
        random = np.random.RandomState([self.seed, len(SPLITS), epoch])
        labels = np.repeat(np.arange(len(self.classes)), [len(images) for _, images, _ in self.classes])
        places = np.concatenate([images for _, images, _ in self.classes])
        order = random.permutation(len(labels))
        for start in range(0, len(order) - size + 1, size):
            batch = order[start : start + size]
            turned = [
                np.rot90(picture, self.classes[label][2])
                for picture, label in zip(self.dataset.pictures(places[batch]), labels[batch], strict=True)
            ]
            yield as_inputs(self._varied(np.stack(turned)[None], random)[0]), torch.from_numpy(labels[batch])

    def _varied(self, pixels: NDArray[np.uint8], random: np.random.RandomState) -> NDArray[np.uint8]:
        """Images (N, K, H, W, C), each mirrored or moved by chance, where that is asked for."""
        n, k = pixels.shape[:2]
        if self.flips:
            mirrored = random.random_sample((n, k, 1, 1, 1)) < 0.5
            pixels = np.where(mirrored, pixels[..., ::-1, :], pixels)
        if self.max_shift:
            pixels = shifted(pixels, random.randint(-self.max_shift, self.max_shift + 1, (2, n, k)))
        return pixels
