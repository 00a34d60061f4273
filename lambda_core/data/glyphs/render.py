"""Render the built-in glyphs: `python -m lambda_core.data.glyphs.render [--sheet SHEET.png]`.

Needs matplotlib for its DejaVu faces (a development dependency). Every rendering has its own random distortion,
drawn from a seed of the character's own, so that a change of the choice leaves the other classes as they were.
"""

from __future__ import annotations

import argparse
import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lambda_core.data.glyphs.choice import choose
from lambda_core.data.glyphs.dataset import PATH, SIZE, pack, save_glyphs
from lambda_core.data.glyphs.faces import FACES, ink, shared_characters

SEED = 20261123
RENDERINGS = 20
SOURCE = (
    "Characters of the DejaVu fonts 2.37 (Bitstream Vera and Arev licences; changes in the public domain), "
    "rendered with random distortions by lambda_core.data.glyphs.render; ink = 255"
)


LARGEST = 24.0  # pixels of a glyph's longer side, before it is scaled down
SCALE = (0.75, 1.0)
STRETCH = (0.8, 1.25)
ROTATION = 18.0  # degrees, either way
SHEAR = 0.2
SHIFT = 2.5  # pixels, either way
WARP = 0.6  # pixels, standard deviation of an elastic warp's nodes
BLUR = 0.55  # pixels, before the threshold that sets the stroke's width
INK = (0.3, 0.65)  # of the darkest point: low thickens the stroke, high thins it
FLIPPED = 0.02  # at most, of the pixels
OCCLUDED = 0.12  # of the renderings lose a block of ink


def render(character: str) -> NDArray[np.bool_]:
    """(20, 28, 28) bool, True = ink: every face once, then eight of them again, each distorted anew."""
    generator = np.random.default_rng([SEED, ord(character)])
    again = generator.permutation(len(FACES))[: RENDERINGS - len(FACES)]
    faces = [*FACES, *(FACES[place] for place in again)]
    return np.stack([_render(character, face, generator) for face in faces])


def _render(character: str, face: str, generator: np.random.Generator) -> NDArray[np.bool_]:
    drawn = ink(character, face)
    assert drawn is not None
    longer = LARGEST * generator.uniform(*SCALE)
    source_pixels = max(drawn.size) / longer  # of the drawing, to one of the rendering
    field = ndimage.gaussian_filter(np.pad(np.asarray(drawn, np.float64), 16), BLUR * source_pixels)
    y, x = _places(generator) * source_pixels
    centre = (np.array(field.shape) - 1) / 2
    sampled = ndimage.map_coordinates(field, [y + centre[0], x + centre[1]], order=1)
    return _worn(sampled > generator.uniform(*INK) * sampled.max(), generator)


def _places(generator: np.random.Generator) -> NDArray[np.float64]:
    """(2, 28, 28): where, in pixels from the glyph's centre (y, x), each pixel of the rendering looks."""
    grid = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    grid = grid - generator.uniform(-SHIFT, SHIFT, (2, 1, 1))
    nodes = generator.normal(0, WARP, (2, 4, 4))
    grid = grid + np.stack([ndimage.zoom(axis, SIZE / 4, order=3) for axis in nodes])
    angle = np.deg2rad(generator.uniform(-ROTATION, ROTATION))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1.0, 0.0], [generator.uniform(-SHEAR, SHEAR), 1.0]])
    stretch = np.exp(generator.uniform(*np.log(STRETCH)))
    places: NDArray[np.float64] = np.einsum("ij,jhw->ihw", np.diag([stretch, 1 / stretch]) @ shear @ turn, grid)
    return places


def _worn(image: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """A block of ink lost now and then, and some pixels flipped."""
    if generator.random() < OCCLUDED:
        y, x = generator.integers(0, SIZE - 6, 2)
        height, width = generator.integers(4, 9, 2)
        image[y : y + height, x : x + width] = False
    return image ^ (generator.random(image.shape) < generator.uniform(0, FLIPPED))


def class_name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character)}"


def contact_sheet(images: NDArray[np.bool_], columns: int = RENDERINGS) -> Image.Image:
    """Renderings side by side, ink black on white: one row a character for (characters · 20, 28, 28)."""
    rows = np.pad(images, ((0, 0), (0, 2), (0, 2))).reshape(-1, columns, SIZE + 2, SIZE + 2)
    sheet = rows.transpose(0, 2, 1, 3).reshape(-1, columns * (SIZE + 2))
    return Image.fromarray(np.where(sheet, 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description="Render the built-in glyphs.")
    parser.add_argument("--out", type=Path, default=PATH, help="file to write (default: the packaged one)")
    parser.add_argument("--sheet", type=Path, help="also write a PNG with every 20th character of each split")
    options = parser.parse_args()
    chosen = choose(shared_characters())
    characters = [character for members in chosen.values() for character in members]
    images = np.concatenate([render(character) for character in characters])
    labels = np.repeat(np.arange(len(characters), dtype=np.int16), RENDERINGS)
    splits = {split: [class_name(c) for c in members] for split, members in chosen.items()}
    about = {"source": SOURCE, "classes": [class_name(c) for c in characters], "splits": splits}
    save_glyphs(options.out, pack(images), labels, about)
    if options.sheet:
        contact_sheet(images.reshape(-1, RENDERINGS, SIZE, SIZE)[::20].reshape(-1, SIZE, SIZE)).save(options.sheet)


if __name__ == "__main__":
    main()
