"""Images of an episode as HTML: crisp at any size, right and wrong told by a sign as well as by colour."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.figures.palette import Palette

_STYLE = (Path(__file__).parents[1] / "assets" / "image_grid.css").read_text(encoding="utf-8")


def support_strip(images: NDArray[np.uint8], labels: NDArray[Any], names: Sequence[str]) -> str:
    """The support set, numbered by class: images (N·K, H, W, C) uint8, labels (N·K,)."""
    cells = "".join(
        f'<span class="ll-cell ll-named"><i style="{_place(i, len(images))}" title="{escape(names[label])}"></i>'
        f"<small>{label + 1} · {escape(short_name(names[label]))}</small></span>"
        for i, label in enumerate(labels)
    )
    said = "Support images: " + ", ".join(f"{n + 1} {name}" for n, name in enumerate(names))
    return _sheet(images, "ll-support", f'<div class="ll-strip" role="img" aria-label="{escape(said)}">{cells}</div>')


def query_grid(
    key: str,
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    predictions: NDArray[Any],
    confidence: NDArray[Any],
    names: Sequence[str],
    colors: Palette,
) -> str:
    """Query images, one row a class, each with ✓ or with ✗ and the number of the class it was taken for.

    images: (Q, H, W, C) uint8; labels, predictions: (Q,) int; confidence: (Q,) of the predicted class, 0 to 1.
    """
    right = int((labels == predictions).sum())
    rows = "".join(
        f'<div class="ll-row"><b>{label + 1}</b>'
        + "".join(
            _query(i, len(images), labels[i], predictions[i], confidence[i], names)
            for i in np.flatnonzero(labels == label).tolist()
        )
        + "</div>"
        for label in range(len(names))
    )
    said = f"{right} of {len(labels)} query images right"
    style = f"<style>.{key} .ll-ok{{--edge:{colors.passes}}}.{key} .ll-no{{--edge:{colors.fails}}}</style>"
    return style + _sheet(images, key, f'<div class="ll-grid" role="img" tabindex="0" aria-label="{said}">{rows}</div>')


def _query(i: int, count: int, label: int, taken: int, sure: float, names: Sequence[str]) -> str:
    kind, sign = ("ll-ok", "✓") if label == taken else ("ll-no", f"✗{taken + 1}")
    title = f"{names[label]}: taken for {names[taken]} ({sure:.0%})"
    return (
        f'<span class="ll-cell {kind}" title="{escape(title)}"><i style="{_place(i, count)}"></i><em>{sign}</em></span>'
    )


def guesses(
    key: str, images: NDArray[np.uint8], probabilities: NDArray[Any], names: Sequence[str], colors: Palette
) -> str:
    """Each query with the two likeliest classes. images: (Q, H, W, C) uint8; probabilities: (Q, ways), 0 to 1."""
    style = f"<style>.{key} .ll-bar{{--edge:{colors.accent}}}</style>"
    cells = "".join(_guess(i, len(images), row, names) for i, row in enumerate(probabilities))
    return style + _sheet(images, key, f'<div class="ll-guesses">{cells}</div>')


def _guess(i: int, count: int, row: NDArray[Any], names: Sequence[str]) -> str:
    best = np.argsort(row)[::-1][:2]
    lines = "".join(
        f'<span class="ll-line"><span>{escape(names[label])}</span><b>{row[label]:.0%}</b>'
        f'<span class="ll-bar" style="width:{row[label]:.0%}"></span></span>'
        for label in best
    )
    return (
        f'<div class="ll-guess"><span class="ll-cell"><i style="{_place(i, count)}"></i></span><div>{lines}</div></div>'
    )


def short_name(name: str) -> str:
    """A class name that fits under a thumbnail: `U+0416 CYRILLIC CAPITAL LETTER ZHE` → Ж."""
    if name.startswith("U+"):
        return chr(int(name[2:].split(maxsplit=1)[0], 16))
    return name.replace("_", " ").split("/")[-1]


def _place(i: int, count: int) -> str:
    # in percent of (sheet - tile), so that the sheet scales with the cell
    return f"background-position:0 {100 * i / max(count - 1, 1):.4f}%"


def _sheet(images: NDArray[np.uint8], key: str, body: str) -> str:
    """All images in one picture, one below the other; each cell shows its part of it."""
    return (
        f"<style>{_STYLE}.{key} i{{background-image:url({data_url(images)});background-size:100% {len(images) * 100}%}}"
        f'</style><div class="{key}">{body}</div>'
    )


def data_url(images: NDArray[np.uint8]) -> str:
    """(N, H, W, C) uint8 as one WebP picture, one image below the other."""
    return _encoded(images.tobytes(), images.shape)


@lru_cache(maxsize=64)  # the same images are shown under both patterns and at every step
def _encoded(pixels: bytes, shape: tuple[int, ...]) -> str:
    column = np.frombuffer(pixels, np.uint8).reshape(-1, *shape[2:])
    picture = Image.fromarray(column[..., 0] if column.shape[-1] == 1 else column)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=88, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
