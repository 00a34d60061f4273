"""Episodes: seeded few-shot tasks, the same ones for every pattern, on every machine and in every process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lambda_core.config import MetaTrainConfig
from lambda_core.data import ImageDataset, load_dataset
from lambda_core.errors import DataError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Episode:
    """One few-shot task.

    support_x: (N·K, C, H, W) float32 in [-1, 1], class after class; support_y: (N·K,) int64; query_x, query_y alike
    with N·Q. For the sinusoid x and y are (K, 1) and (Q, 1) float32.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor
    class_names: tuple[str, ...] = ()

    def to(self, device: str | None = None, dtype: torch.dtype | None = None) -> Episode:
        """The same episode elsewhere, or with images of another float type."""
        return replace(
            self,
            support_x=self.support_x.to(device=device, dtype=dtype),
            query_x=self.query_x.to(device=device, dtype=dtype),
            support_y=self.support_y.to(device=device),
            query_y=self.query_y.to(device=device),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process as arrays: torch would keep a file open for every tensor that crosses over."""
        tensors = (self.support_x, self.support_y, self.query_x, self.query_y)
        return partial(_arrived, class_names=self.class_names), tuple(map(_plain, tensors))

    @property
    def support_images(self) -> NDArray[np.uint8]:
        """(N·K, H, W, C) uint8, for the eye."""
        return as_images(self.support_x)

    @property
    def query_images(self) -> NDArray[np.uint8]:
        """(N·Q, H, W, C) uint8, for the eye."""
        return as_images(self.query_x)


def _plain(x: Tensor) -> NDArray[Any]:
    return (x.permute(0, 2, 3, 1) if x.dim() == 4 else x).contiguous().numpy()


def _arrived(*arrays: NDArray[Any], class_names: tuple[str, ...]) -> Episode:
    """What `__reduce__` sent, in the memory layout that it had."""
    sent = [torch.from_numpy(array) for array in arrays]
    support_x, support_y, query_x, query_y = (x.permute(0, 3, 1, 2) if x.dim() == 4 else x for x in sent)
    return Episode(support_x, support_y, query_x, query_y, class_names)


class Bank(Protocol):
    """What a meta-training or a sweep draws from: bank[i] is always the same episode."""

    def __getitem__(self, index: int) -> Episode: ...


def as_inputs(images: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, C) uint8 → (N, C, H, W) float32 in [-1, 1], channels last in memory (the fast layout on a CPU)."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1.0


def as_images(inputs: Tensor) -> NDArray[np.uint8]:
    """The inverse of `as_inputs`."""
    pixels = ((inputs.detach() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


class EpisodeBank:
    """Seeded N-way K-shot episodes of one split of an image data set.

    `rotations`: a class turned by 90, 180 and 270 degrees counts as three more classes (Omniglot's training custom).
    `flips`: each image is mirrored with probability ½. `shifts`: each is moved by up to so many pixels both ways, its
    border reflected. Raises DataError where a split has too few classes, or a class
    too few images for K + Q.
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
        shifts: int = 0,
    ) -> None:
        if split not in SPLITS:
            raise DataError(f"no split is named {split!r}; the splits are train, val and test")
        self.dataset, self.split, self.seed = dataset, split, seed
        self.ways, self.shots, self.queries = ways, shots, queries
        self.flips, self.shifts = flips, shifts
        turns = range(4) if rotations else range(1)
        self.classes = [(name, images, turn) for turn in turns for name, images in dataset.class_indices(split)]
        self._check()

    def _check(self) -> None:
        where = f"the {self.split} split of {self.dataset.name}"
        if len(self.classes) < self.ways:
            raise DataError(f"{where} has {len(self.classes)} classes, too few for {self.ways} ways")
        name, images, _ = min(self.classes, key=lambda item: len(item[1]))
        if len(images) < self.shots + self.queries:
            raise DataError(
                f"{where}: class {name!r} has {len(images)} images, too few for {self.shots} shots and "
                f"{self.queries} queries; ask for at most {len(images) - self.shots} queries"
            )

    def __getitem__(self, index: int) -> Episode:
        """Episode `index` ≥ 0: drawn from a generator of its own, so no other episode need be drawn before it."""
        random = _generator(self.seed, self.split, index)
        return self.episode([self.classes[i] for i in _draw(random, len(self.classes), self.ways)], random)

    def of_classes(self, names: list[str], index: int = 0) -> Episode:
        """An episode of the classes asked for by name, in that order; images by (seed, index)."""
        known = {name: (name, images, turn) for name, images, turn in reversed(self.classes)}
        missing = [name for name in names if name not in known]
        if missing:
            raise DataError(f"the {self.split} split of {self.dataset.name} has no class {missing[0]!r}")
        return self.episode([known[name] for name in names], _generator(self.seed, self.split, index))

    def episode(self, classes: list[tuple[str, NDArray[np.int64], int]], random: np.random.RandomState) -> Episode:
        count = self.shots + self.queries
        drawn = [images[_draw(random, len(images), count)] for _, images, _ in classes]
        turns = [turn for _, _, turn in classes]
        pixels = self._varied(
            np.stack([np.rot90(self.dataset.images[i], turn, (1, 2)) for i, turn in zip(drawn, turns, strict=True)]),
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
                np.rot90(self.dataset.images[place], self.classes[label][2])
                for place, label in zip(places[batch], labels[batch], strict=True)
            ]
            yield as_inputs(self._varied(np.stack(turned)[None], random)[0]), torch.from_numpy(labels[batch])

    def _varied(self, pixels: NDArray[np.uint8], random: np.random.RandomState) -> NDArray[np.uint8]:
        """Images (N, K, H, W, C), each mirrored or moved by chance, where that is asked for."""
        n, k = pixels.shape[:2]
        if self.flips:
            mirrored = random.random_sample((n, k, 1, 1, 1)) < 0.5
            pixels = np.where(mirrored, pixels[..., ::-1, :], pixels)
        if self.shifts:
            pixels = _moved(pixels, random.randint(-self.shifts, self.shifts + 1, (2, n, k)))
        return pixels


class SinusoidBank:
    """The MAML paper's regression (Finn et al. 2017, 5.1).

    y = a·sin(x − φ) with a in [0.1, 5], φ in [0, π] and x in [-5, 5].
    """

    def __init__(self, split: str, shots: int = 10, queries: int = 10, seed: int = 0) -> None:
        self.split, self.shots, self.queries, self.seed = split, shots, queries, seed

    def curve(self, index: int) -> tuple[float, float]:
        """(amplitude, phase) of episode `index`."""
        amplitude, phase = _generator(self.seed, self.split, index).random_sample(2)
        return 0.1 + 4.9 * float(amplitude), np.pi * float(phase)

    def __getitem__(self, index: int) -> Episode:
        amplitude, phase = self.curve(index)
        random = _generator(self.seed + 1, self.split, index)
        x = random.random_sample((self.shots + self.queries, 1)) * 10 - 5
        y = torch.from_numpy(amplitude * np.sin(x - phase)).float()
        inputs = torch.from_numpy(x).float()
        return Episode(inputs[: self.shots], y[: self.shots], inputs[self.shots :], y[self.shots :])


@dataclass(frozen=True)
class Source:
    """Where a study's episodes come from: a loaded image data set, or the sinusoid."""

    name: str
    root: str | None = None

    @cached_property
    def images(self) -> ImageDataset | None:
        return None if self.name == "sinusoid" else load_dataset(self.name, self.root)

    @property
    def input(self) -> tuple[int, int]:
        """(size, channels) of the network's input."""
        return (1, 1) if self.images is None else (self.images.size, self.images.channels)

    def bank(self, config: MetaTrainConfig, split: str, *, queries: int | None = None, seed: int | None = None) -> Bank:
        """The bank of a split under a study's ways and shots; training episodes are augmented as the config says."""
        queries = config.queries if queries is None else queries
        seed = config.seed if seed is None else seed
        if self.images is None:
            return SinusoidBank(split, config.shots, queries, seed)
        training = split == "train"
        return EpisodeBank(
            self.images, split, config.ways, config.shots, queries, seed,
            rotations=training and config.rotations, flips=training and config.flips,
            shifts=config.shifts if training else 0,
        )  # fmt: skip


def _generator(seed: int, split: str, index: int) -> np.random.RandomState:
    # RandomState's streams are frozen for good (NEP 19), which Generator's are not.
    return np.random.RandomState([seed, SPLITS.index(split), index])


def _draw(random: np.random.RandomState, size: int, count: int) -> NDArray[np.int64]:
    return random.permutation(size)[:count]


def _moved(pixels: NDArray[np.uint8], by: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Images (N, K, H, W, C), each moved by its (down, right) = by[:, n, k] pixels; the border is reflected."""
    n, k, *sides = pixels.shape[:4]
    down, right = (
        (side - 1) - np.abs((side - 1) - np.abs(np.arange(side) - each[..., None]) % (2 * side - 2))
        for side, each in zip(sides, by, strict=True)
    )
    which = np.ogrid[:n, :k]
    moved: NDArray[np.uint8] = pixels[
        which[0][..., None, None], which[1][..., None, None], down[..., :, None], right[..., None, :]
    ]
    return moved
