"""Choosing and rendering the glyphs; needs matplotlib, whose DejaVu faces are drawn."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="only rendering needs matplotlib's DejaVu faces")

from lambda_core.data import SPLITS, load_dataset
from lambda_core.data.glyphs.choice import LOOK_ALIKE, bare, choose, look_alike, portrait
from lambda_core.data.glyphs.faces import FACES, ink, shared_characters
from lambda_core.data.glyphs.render import RENDERINGS, class_name, contact_sheet, render


@pytest.fixture(scope="module")
def characters():
    """Split to its characters, as the packaged file has them."""
    glyphs = load_dataset("glyphs")
    return {split: [chr(int(name[2:].split(" ")[0], 16)) for name in glyphs.splits[split]] for split in SPLITS}


def test_the_twelve_faces_share_over_two_thousand_characters(characters):
    shared = shared_characters()
    assert len(FACES) == 12
    assert len(shared) > 2000
    assert {c for members in characters.values() for c in members} <= set(shared)


@pytest.mark.parametrize("place", [0, 40, -1])
@pytest.mark.parametrize("split", SPLITS)
def test_rendering_again_gives_the_packaged_bytes(split, place, characters):
    glyphs, character = load_dataset("glyphs"), characters[split][place]
    first, second = render(character), render(character)
    assert first.shape == (RENDERINGS, 28, 28)
    assert (first == second).all()
    places = dict(glyphs.class_indices(split))[class_name(character)]
    assert (glyphs.images[places, :, :, 0] == np.where(first, 255, 0)).all()


def test_another_character_is_distorted_otherwise():
    one, other = render("A"), render("B")
    assert (one != other).any(axis=(1, 2)).all()


def test_no_drawing_is_nearly_that_of_another_split(characters):
    """Every pair across splits, undistorted, in both faces that are compared."""
    portraits = {split: np.stack([_drawn(c) for c in members]) for split, members in characters.items()}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        alike = np.einsum("ifp,jfp->fij", portraits[one], portraits[other]).max(axis=0)
        i, j = np.unravel_index(alike.argmax(), alike.shape)
        assert alike.max() < LOOK_ALIKE, (characters[one][i], characters[other][j])


def _drawn(character: str) -> np.ndarray:
    drawn = portrait(character)
    assert drawn is not None
    return drawn


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("AΑА", {"train": "A", "val": "", "test": ""}),
        ("eéèЖωΩ", {"train": "eéè", "val": "ωΩ", "test": "Ж"}),
        ("AeΆ", {"train": "Ae", "val": "", "test": ""}),  # an Alpha with an accent is an A still
        ("ЭЖ∋", {"train": "", "val": "", "test": "ЭЖ"}),  # symbols come last and yield
        ("ÐĐ", {"train": "Ð", "val": "", "test": ""}),  # drawn the same: one is enough
        (" \u00ad", {"train": "", "val": "", "test": ""}),  # without ink
    ],
)
def test_the_choice(offered, kept):
    assert {split: "".join(sorted(members)) for split, members in choose(list(offered)).items()} == {
        split: "".join(sorted(members)) for split, members in kept.items()
    }


def test_look_alikes_are_seen_and_told():
    assert look_alike("A", "Α")
    assert look_alike("3", "З")
    assert look_alike("u", "ս")  # by the list: their drawings differ more
    assert not look_alike("A", "Ж")
    assert bare("é") == "e"
    assert bare("ᾧ") == unicodedata.normalize("NFC", "ω")


def test_ink_is_cropped_to_what_is_drawn():
    drawn = ink("l", "DejaVuSans")
    assert drawn is not None
    assert np.asarray(drawn).any(axis=0).all()
    assert drawn.height > 3 * drawn.width
    assert ink(" ", "DejaVuSans") is None


def test_the_contact_sheet_shows_ink_in_black():
    sheet = np.asarray(contact_sheet(np.ones((40, 28, 28), bool)))
    assert sheet.shape == (60, 600)
    assert sheet[0, 0] == 0
    assert sheet[29, 29] == 255
