"""Which characters the glyphs hold, split by script so that no look-alike stands in two splits. For rendering only.

The groups below are filled in order; a character joins its split unless it, or its letter without marks, looks
like one already in another split, or it hardly differs from one in its own. So Latin A stays for training, Greek
Alpha and Cyrillic А go, and a rare Latin letter yields to the Greek one that it copies.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from lambda_core.data.glyphs.faces import ink

Portrait = NDArray[np.float64]  # (faces, pixels), each row of length 1
PORTRAIT_FACES = ("DejaVuSans", "DejaVuSerif")
LOOK_ALIKE = 0.90  # similarity in either face: too close for two splits (found by eye: Ɛ Ε is 0.88, ɣ γ is 0.92)
TWIN = 0.985  # mean similarity: too close for two classes of one split


# Letters that the eye confuses though the pixels differ, a group a word.
_GROUPS = (
    "aɑαⱭɒаა vνѵʋυ YϒΥγɣуү Bßβв MϺϻМм kκϰкĸ iıιɩі nηŋƞп uµμцս bьƅЬъʙ 3ЗзʒƷȜȝɜӠӡҘҙ ΦφϕФфɸՓփⱷ Ξ≡ ε∈ɛƐЄє∋϶Э "
    "ΛλʌɅ∧^Л θΘƟɵ⊖⊝ Σ∑Ʃ Π∏п∩ Δ∆ ɯшա ψΨ χx× ρp τт T⊤τ ςcϲ ζʒ Ϙϙq рþϷϸ hһհћђħ 2շ 8Ց SՏ$ ОՕ0oоօо rгґ fֆ quգ Ff"
)


CONFUSABLE = _GROUPS.split()


def choose(characters: list[str]) -> dict[str, list[str]]:
    """Split to its characters, out of those that the faces share."""
    chosen: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for split, group in _groups(characters):
        for character in group:
            if _fits(character, split, chosen):
                chosen[split].append(character)
    return chosen


def bare(character: str) -> str:
    """The letter without its marks: é → e, ᾧ → ω."""
    return "".join(part for part in unicodedata.normalize("NFD", character) if unicodedata.category(part)[0] != "M")


def look_alike(one: str, other: str) -> bool:
    """Whether the two, undistorted, could pass for each other: drawn so, or the same to the eye."""
    if any(one in group and other in group for group in CONFUSABLE):
        return True
    return bool(_similarity(one, other).max() >= LOOK_ALIKE)


@cache
def portrait(character: str) -> Portrait | None:
    """The character's shape, whatever its size: blurred, in each of PORTRAIT_FACES; None where it leaves no ink."""
    drawn = [ink(character, face) for face in PORTRAIT_FACES]
    shapes = [_shape(image) for image in drawn if image is not None]
    return np.stack(shapes) if len(shapes) == len(PORTRAIT_FACES) else None


def _groups(characters: list[str]) -> list[tuple[str, list[str]]]:
    latin = [c for c in characters if _is_letter_of(c, "LATIN")]
    return [
        ("train", [c for c in latin if bare(c).isascii()]),
        ("val", [c for c in characters if _is_letter_of(c, "GREEK", "GEORGIAN")]),
        ("test", [c for c in characters if _is_letter_of(c, "CYRILLIC", "ARMENIAN")]),
        ("train", [c for c in latin if not bare(c).isascii()]),
        ("train", [c for c in characters if _is_symbol(c)]),
    ]


def _is_letter_of(character: str, *scripts: str) -> bool:
    name = unicodedata.name(character, "").split(" ")[0]
    return name in scripts and unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lo"}


def _is_symbol(character: str) -> bool:
    """Digits, punctuation, arrows, mathematics and signs; no box drawing, whose shapes are hardly characters."""
    code, kind = ord(character), unicodedata.category(character)
    if kind in {"Sk", "Lm", "Lo", "Lu", "Ll", "Zs", "Cf"}:
        return False
    return code < 0xC0 or 0x2190 <= code < 0x2300 or 0x2600 <= code < 0x2700


def _fits(character: str, split: str, chosen: dict[str, list[str]]) -> bool:
    if portrait(character) is None or portrait(bare(character)) is None:
        return False
    for other, members in chosen.items():
        if other == split and any(_similarity(character, member).mean() >= TWIN for member in members):
            return False
        if other != split and any(_crosses(character, member) for member in members):
            return False
    return True


def _crosses(one: str, other: str) -> bool:
    return look_alike(one, other) or look_alike(bare(one), bare(other))


def _similarity(one: str, other: str) -> NDArray[np.float64]:
    """(faces,): 1 = the same shape, 0 = no ink in common."""
    first, second = portrait(one), portrait(other)
    assert first is not None and second is not None  # noqa: PT018
    alike: NDArray[np.float64] = (first * second).sum(axis=1)
    return alike


def _shape(image: Image.Image, size: int = 32) -> NDArray[np.float64]:
    inner = size - 4
    scale = inner / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    canvas = Image.new("L", (size, size))
    small = image.resize((width, height), Image.Resampling.BILINEAR)
    canvas.paste(small, ((size - width) // 2, (size - height) // 2))
    pixels: NDArray[np.float64] = np.asarray(canvas.filter(ImageFilter.GaussianBlur(1.0)), np.float64).ravel()
    return pixels / float(np.linalg.norm(pixels))
