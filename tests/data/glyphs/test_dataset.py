"""The built-in glyphs: enough of them, split so that test characters are unseen, and rendered as committed."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from lambda_core.data import SPLITS, load_dataset
from lambda_core.data.glyphs.dataset import PATH, load_glyphs, pack, save_glyphs, unpack
from lambda_core.errors import DataError

SCRIPTS = {"val": {"GREEK", "GEORGIAN"}, "test": {"CYRILLIC", "ARMENIAN"}}
# Characters that readers mistake for each other, a group a word; at most one split may hold any of a group.
MISTAKEN = (
    "AΑА", "BΒВ", "CϹС", "EΕЕ", "FϜ", "HΗН", "IΙІӀ", "JЈ", "KΚКK", "MΜМ", "NΝ", "OΟОՕ0", "PΡР", "SЅՏ", "TΤТ", "XΧХ",
    "YΥҮ", "ZΖ", "aа", "cсϲ", "dԁ", "eе", "gց", "hһհ", "iіι", "jјϳ", "nո", "oοоօ", "pρр", "qզԛ", "sѕ", "uυս", "vνѵ",
    "wԝ", "xх", "yу", "ÄӒ", "ËЁ", "ÏΪЇ", "éѐ", "ëё", "ïїϊ", "óό", "ÖӦ", "ɔͻ", "əә", "ɛε", "ʒӡз", "ɡց", "Ʃ∑Σ", "ΩΩ",
    "µμ", "∏ΠП", "∆Δ", "ΛɅЛ", "ΓГ", "ΦФ", "κкĸ", "ɯш", "θѳɵ", "ΘѲƟ", "ɸφф", "ʙв", "ʜн", "ÞϷ", "ƐЄε", "єϵ∊", "ьƅ",
)  # fmt: skip


@pytest.fixture(scope="module")
def glyphs():
    return load_dataset("glyphs")


@pytest.fixture(scope="module")
def split_of(glyphs):
    return {_character(name): split for split in SPLITS for name in glyphs.splits[split]}


def _character(class_name: str) -> str:
    return chr(int(class_name.split(" ", maxsplit=1)[0].removeprefix("U+"), 16))


def test_at_least_a_thousand_characters_of_twenty_renderings(glyphs):
    assert len(glyphs.classes) >= 1000
    assert set(np.bincount(glyphs.labels)) == {20}
    assert glyphs.images.shape == (20 * len(glyphs.classes), 28, 28, 1)
    assert min(len(glyphs.splits[split]) for split in SPLITS) >= 60
    assert PATH.stat().st_size <= 4 * 2**20


def test_ink_is_255_on_paper_of_0(glyphs):
    assert np.unique(glyphs.images).tolist() == [0, 255]
    shares = (glyphs.images > 0).mean(axis=(1, 2, 3))
    assert 0.05 < shares.mean() < 0.3
    assert shares.min() > 0


def test_no_two_renderings_of_a_character_are_equal(glyphs):
    different = np.unique(np.packbits(glyphs.images > 0).reshape(len(glyphs.images), -1), axis=0)
    assert len(different) == len(glyphs.images)


def test_every_class_is_in_one_split_and_tells_its_character(glyphs, split_of):
    assert len(split_of) == len(glyphs.classes) == sum(len(glyphs.splits[split]) for split in SPLITS)
    for name in glyphs.classes:
        assert name == f"U+{ord(_character(name)):04X} {unicodedata.name(_character(name))}"


def test_the_splits_are_scripts(split_of):
    for character, split in split_of.items():
        script = unicodedata.name(character).split(" ")[0]
        owner = next((owner for owner, scripts in SCRIPTS.items() if script in scripts), "train")
        assert split == owner, unicodedata.name(character)


@pytest.mark.parametrize("group", MISTAKEN)
def test_no_look_alike_stands_in_two_splits(group, split_of):
    held = {character: split_of[character] for character in group if character in split_of}
    assert len(set(held.values())) <= 1, held


def test_accents_do_not_make_a_look_alike_another_letter(split_of):
    """Ά is as much an A as Α is."""
    bare = {c: unicodedata.normalize("NFD", c)[0] for c in split_of}
    for group in MISTAKEN:
        splits = {split for character, split in split_of.items() if bare[character] in group}
        assert len(splits) <= 1, group


def test_the_data_set_is_loaded_once_and_cannot_be_written(glyphs):
    assert load_dataset("glyphs", root="/nowhere") is glyphs
    for array in (glyphs.images, glyphs.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_packing_is_undone_by_unpacking():
    images = np.random.RandomState(0).rand(5, 28, 28) < 0.3
    packed = pack(images)
    assert packed.shape == (5, 98)
    assert (unpack(packed)[..., 0] == np.where(images, 255, 0)).all()


def test_the_same_content_gives_the_same_file(tmp_path):
    packed, labels = np.zeros((2, 98), np.uint8), np.arange(2, dtype=np.int16)
    splits = {"train": ["a"], "val": ["b"], "test": []}
    for name in ("one.npz", "two.npz"):
        save_glyphs(tmp_path / name, packed, labels, {"source": "é", "classes": ["a", "b"], "splits": splits})
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert load_glyphs.__wrapped__(tmp_path / "one.npz").source == "é"


DAMAGE = {
    "missing": None,
    "empty": lambda _: b"",
    "cut early": lambda whole: whole[:1000],
    "cut late": lambda whole: whole[:-100],
    "overwritten": lambda whole: whole[:5000] + bytes(500) + whole[5500:],
    "another file": lambda _: b"GIF89a" * 100,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_missing_or_damaged_file_is_one_sentence(damage, tmp_path):
    path, spoil = tmp_path / "glyphs.npz", DAMAGE[damage]
    if spoil:
        path.write_bytes(spoil(PATH.read_bytes()))
    with pytest.raises(DataError, match="missing or damaged; installing again mends them"):
        load_glyphs.__wrapped__(path)
