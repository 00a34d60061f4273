"""Prepared data sets and image folders, small and whole, for tests to use or to spoil."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ["ant", "bee", "cat", "dog", "eel", "fox"]
SPLITS = {"train": ["bee", "ant"], "val": ["cat", "dog"], "test": ["eel", "fox"]}


def write_prepared(root: Path, name: str = "mine", **changes: Any) -> Path:
    """Six classes of two images, 16×16 in colour; changes: images, labels, or keys of dataset.json."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    images = np.arange(12 * 16 * 16 * 3, dtype=np.uint32).astype(np.uint8).reshape(12, 16, 16, 3)
    np.save(folder / "images.npy", changes.pop("images", images))
    np.save(folder / "labels.npy", changes.pop("labels", np.tile(np.arange(6), 2)))
    about = {"name": name, "source": "drawn by a test", "classes": CLASSES, "splits": SPLITS, **changes}
    (folder / "dataset.json").write_text(json.dumps(about))
    return folder


def write_pictures(folder: Path, classes: int = 10, images: int = 2, suffix: str = "png") -> Path:
    """Class folders c00, c01 … of one-coloured images, wider than high; the colour says which class and image."""
    for label in range(classes):
        for place in range(images):
            path = folder / f"c{label:02d}" / f"{place}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (24, 18), (20 * label, 100 * place, 200)).save(path)
    return folder


def left_in(folder: Path) -> list[str]:
    """Every name in the folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
