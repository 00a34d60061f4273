"""Images brought to what a network takes: one way, whether they come from a data set, a folder or a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps


@dataclass(frozen=True)
class Fit:
    """Square images of `size` pixels and `channels` (1 = grey, 3 = colour); inverted: dark and light swapped."""

    size: int
    channels: int
    inverted: bool = False

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(N, H, W, C) uint8 → (N, size, size, channels) uint8."""
        if images.shape[1:] != (self.size, self.size, self.channels):
            images = np.stack([self.picture(Image.fromarray(image.squeeze())) for image in images])
        return 255 - images if self.inverted else images

    def picture(self, image: Image.Image) -> NDArray[np.uint8]:
        """The middle square of one picture, scaled (bicubic, over areas where it shrinks), grey or in colour; not
        inverted.
        """
        mode = "RGB" if self.channels == 3 else "L"
        image = image if image.mode == mode else image.convert(mode)  # which would copy what needs no change
        fitted = ImageOps.fit(image, (self.size, self.size), Image.Resampling.BICUBIC)
        return np.asarray(fitted).reshape(self.size, self.size, self.channels)
