"""The built-in glyphs: characters of the DejaVu faces, rendered once by `lambda_core.data.glyphs.render`.

glyphs.npz holds three plain arrays: `packed` (N, 98) uint8, 28×28 pixels at 1 bit each (ink = 1), row by row;
`labels` (N,) int16; `about` uint8, the UTF-8 bytes of a JSON object with source, classes and splits.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lambda_core.data.dataset import ImageDataset
from lambda_core.errors import DataError
from lambda_core.system import write_with

SIZE = 28
PATH = Path(__file__).with_name("glyphs.npz")
_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)


@lru_cache(maxsize=1)
def load_glyphs(path: Path = PATH) -> ImageDataset:
    """The data set, unpacked: ink = 255, paper = 0, one channel; read-only, and the same object every time."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            packed, labels, about = file["packed"], file["labels"], json.loads(file["about"].tobytes())
        images = unpack(packed)
        splits = {split: tuple(names) for split, names in about["splits"].items()}
        source, classes = about["source"], tuple(about["classes"])
    except _DAMAGE as error:
        raise DataError(f"the built-in glyphs ({path}) are missing or damaged; installing again mends them") from error
    labels = labels.astype(np.int64)
    labels.flags.writeable = False
    return ImageDataset("glyphs", source, images, labels, classes, splits)


def pack(images: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(N, 28, 28) bool, True = ink → (N, 98) uint8."""
    return np.packbits(images.reshape(len(images), SIZE * SIZE), axis=1)


def unpack(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 98) uint8 → (N, 28, 28, 1) uint8, ink = 255, read-only."""
    bits = np.unpackbits(packed, axis=1, count=SIZE * SIZE).reshape(-1, SIZE, SIZE, 1)
    images = bits * np.uint8(255)
    images.flags.writeable = False
    return images


def save_glyphs(path: Path, packed: NDArray[np.uint8], labels: NDArray[np.int16], about: Mapping[str, object]) -> None:
    """Write the file that `load_glyphs` reads; the same content gives the same bytes."""
    text = np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, packed=packed, labels=labels, about=text)
    write_with(path, lambda temporary: temporary.write_bytes(buffer.getvalue()))
