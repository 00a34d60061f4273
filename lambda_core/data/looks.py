"""How images look, in two numbers: enough to say that a network is shown what it never saw the like of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_core.data.dataset import ImageDataset
from lambda_core.errors import DataError

MOST_IMAGES = 1000  # looked at, evenly spread over what there is
BRIGHTNESS, CONTRAST = 0.25, 2.0  # a difference, a ratio; photographs of quite other things differ by less


@dataclass(frozen=True)
class Looks:
    """brightness: mean of all pixels, 0 (black) to 1 (white); contrast: their standard deviation."""

    brightness: float
    contrast: float

    @classmethod
    def of(cls, images: NDArray[np.uint8]) -> Looks:
        """Of images (N, H, W, C)."""
        pixels = images.astype(np.float32) / 255
        return cls(round(float(pixels.mean()), 4), round(float(pixels.std()), 4))

    @classmethod
    def between(cls, several: Sequence[Looks]) -> Looks:
        """The mean of how several sets of images look."""
        return cls(*np.mean([(each.brightness, each.contrast) for each in several], axis=0).tolist())

    def unlike(self, learned: Looks) -> str | None:
        """How these images differ from those that a network learned on, in words; None: they look alike."""
        shown, known = f"{100 * self.brightness:.0f} %", f"{100 * learned.brightness:.0f} %"
        difference = self.brightness - learned.brightness
        if abs(difference) > BRIGHTNESS:
            word = "brighter" if difference > 0 else "darker"
            swapped = abs(1 - self.brightness - learned.brightness) < abs(difference) / 2
            hint = ", as if dark and light were swapped: inverting them may help" if swapped else ""
            return f"much {word} (mean brightness {shown}, learned on {known}){hint}"
        ratio = (self.contrast + 1e-6) / (learned.contrast + 1e-6)
        if not 1 / CONTRAST < ratio < CONTRAST:
            word = "more" if ratio > 1 else "less"
            return f"of far {word} contrast ({self.contrast:.2f}, learned on {learned.contrast:.2f})"
        return None


def looks_of(dataset: ImageDataset, splits: tuple[str, ...]) -> Looks | None:
    """How the images of some splits look, as they are shown to a network; None where these splits have none."""
    places = np.concatenate([[], *(found for split in splits for _, found in dataset.class_indices(split))])
    if not len(places):
        return None
    spread = np.linspace(0, len(places) - 1, min(len(places), MOST_IMAGES)).astype(np.int64)
    return Looks.of(dataset.pictures(np.sort(places.astype(np.int64)[spread])))


def refuse_uniform(dataset: ImageDataset, splits: tuple[str, ...]) -> None:
    """Raises DataError where every pixel of every image of these splits has one brightness."""
    looks = looks_of(dataset, splits)
    if looks is not None and looks.contrast == 0:
        raise DataError(
            f"all images of {dataset.name} are of one brightness ({100 * looks.brightness:.0f} %): there is nothing to "
            "tell apart"
        )
