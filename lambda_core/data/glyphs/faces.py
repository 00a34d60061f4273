"""The twelve DejaVu faces that matplotlib carries, and a character's ink in one of them. For rendering only."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

PIXELS = 96  # of an em; some four times what a 28-pixel image keeps
FACES = (
    "DejaVuSans",
    "DejaVuSerif",
    "DejaVuSansMono",
    "DejaVuSans-Bold",
    "DejaVuSerif-Bold",
    "DejaVuSansMono-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSerif-Italic",
    "DejaVuSansMono-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSerif-BoldItalic",
    "DejaVuSansMono-BoldOblique",
)


def shared_characters() -> list[str]:
    """The characters that all twelve faces have, in the order of their code points."""
    charmaps = [set(FT2Font(_path(face)).get_charmap()) for face in FACES]
    return [chr(code) for code in sorted(set.intersection(*charmaps))]


def ink(character: str, face: str) -> Image.Image | None:
    """The character cropped to its ink (mode L, ink = 255), or None where it leaves no ink."""
    image = Image.new("L", (4 * PIXELS, 3 * PIXELS))
    ImageDraw.Draw(image).text((PIXELS, 2 * PIXELS), character, fill=255, font=_font(face), anchor="ls")
    box = image.getbbox()
    return image.crop(box) if box else None


@cache
def _font(face: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_path(face), PIXELS, layout_engine=ImageFont.Layout.BASIC)


def _path(face: str) -> str:
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf")
