"""Where a study's episodes come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lambda_core.config import MetaTrainConfig
from lambda_core.data import ImageDataset, load_dataset
from lambda_core.episodes.episode import Bank
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.episodes.sinusoid_bank import SinusoidBank


@dataclass(frozen=True)
class Source:
    """Where a study's episodes come from: a loaded image data set, or the sinusoid.

    shape: (size, channels) that the images are brought to; None: those of the data set. inverted: dark and light are
    swapped.
    """

    name: str
    root: str | None = None
    shape: tuple[int, int] | None = None
    inverted: bool = False

    @cached_property
    def images(self) -> ImageDataset | None:
        if self.name == "sinusoid":
            return None
        images = load_dataset(self.name, self.root)
        return images.fitted(*(self.shape or (images.size, images.channels)), inverted=self.inverted)

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
            max_shift=config.max_shift if training else 0,
        )  # fmt: skip
