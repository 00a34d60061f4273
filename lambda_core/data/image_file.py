"""One image file of the user's, read with care: its format, and its size before anything is decoded."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lambda_core.data.fitting import Fit
from lambda_core.errors import DataError

FORMATS = ["PNG", "JPEG", "WEBP"]
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
LARGEST_PICTURE = 50_000_000  # pixels
LONGEST = 20_000  # pixels of a side: a line of fifty million costs gigabytes to scale


def read_picture(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """(size, size, channels) uint8: turned upright, its middle square, scaled; what is transparent becomes white.

    channels: 1 = grey, 3 = colour. Raises DataError that names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's doubts about a file that it reads all the same
            return _read(path, size, channels)
    except DataError:
        raise
    except Exception as error:  # bytes from anywhere make Pillow's decoders raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0].replace(f" {str(path)!r}", " it")
        raise DataError(f"{path} is no readable PNG, JPEG or WebP image ({reason})") from error


def _read(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    with Image.open(path, formats=FORMATS) as opened:
        if max(opened.size) > LONGEST:
            raise DataError(f"{path} has {opened.width}×{opened.height} pixels; {LONGEST:,} a side are the limit")
        if opened.width * opened.height > LARGEST_PICTURE:
            raise DataError(
                f"{path} has {opened.width}×{opened.height} pixels; {LARGEST_PICTURE:,} in all are the limit"
            )
        image = _eight_bits(opened)
        image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return Fit(size, channels).picture(_on_white(image))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Pillow would clip 16-bit greys, not scale them."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
