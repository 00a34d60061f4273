"""Prepared data sets: what loads, what an episode relies on, and how each kind of damage is told."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lambda_core.data import load_dataset
from lambda_core.data.prepared import data_root
from lambda_core.errors import DataError
from tests.support.making import CLASSES, SPLITS, write_prepared


def test_a_prepared_data_set_loads_as_it_was_written(tmp_path):
    write_prepared(tmp_path)
    data = load_dataset("mine", tmp_path)
    assert (data.name, data.source, data.classes) == ("mine", "drawn by a test", tuple(CLASSES))
    assert (data.size, data.channels, data.images.shape) == (16, 3, (12, 16, 16, 3))
    assert data.splits == {split: tuple(names) for split, names in SPLITS.items()}
    assert isinstance(data.images, np.memmap)


def test_class_indices_follow_the_split_and_the_file(tmp_path):
    write_prepared(tmp_path, labels=np.array([1, 0, 1, 2, 3, 4, 5, 0, 2, 3, 4, 5]))
    found = load_dataset("mine", tmp_path).class_indices("train")
    assert [(name, places.tolist()) for name, places in found] == [("bee", [0, 2]), ("ant", [1, 7])]
    with pytest.raises(DataError, match="no split 'all'"):
        load_dataset("mine", tmp_path).class_indices("all")


def test_the_fingerprint_is_the_same_on_every_machine(tmp_path):
    write_prepared(tmp_path)
    known = "3b12b68da2ff51b49202f15204c3dee06afb5868888f5ce286e1c9e15e07dfff"
    assert load_dataset("mine", tmp_path).fingerprint() == known
    write_prepared(tmp_path, "other", source="elsewhere")
    assert load_dataset("other", tmp_path).fingerprint() == known


CHANGES = {
    "a pixel": {"images": np.zeros((12, 16, 16, 3), np.uint8)},
    "the shape": {"images": np.zeros((12, 48, 48, 1), np.uint8)},
    "a label": {"labels": np.tile(np.arange(6)[::-1], 2)},
    "a class": {"classes": [*CLASSES[:5], "gnu"], "splits": {**SPLITS, "test": ["eel", "gnu"]}},
    "the order of a split": {"splits": {**SPLITS, "train": ["ant", "bee"]}},
    "a class's split": {"splits": {**SPLITS, "val": ["cat"], "test": ["eel", "fox", "dog"]}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_tells_what_an_episode_can_depend_on(change, tmp_path):
    write_prepared(tmp_path)
    before = load_dataset("mine", tmp_path).fingerprint()
    write_prepared(tmp_path, **CHANGES[change])
    assert load_dataset("mine", tmp_path).fingerprint() != before


ABOUT = {
    "overlapping splits": ({"splits": {**SPLITS, "test": ["eel", "ant"]}}, "'ant' is in train and again in test"),
    "class twice in a split": ({"splits": {**SPLITS, "test": ["eel", "eel"]}}, "'eel' is in test and again"),
    "split of unknown classes": ({"splits": {**SPLITS, "val": ["cow"]}}, "'cow', which is none of the classes"),
    "missing split": ({"splits": {"train": ["ant"], "val": ["bee"]}}, "splits must be train, val, test"),
    "split too many": ({"splits": {**SPLITS, "more": []}}, "splits must be train, val, test"),
    "split that is no list": ({"splits": {**SPLITS, "val": "cat"}}, "'val' must be a list of class names"),
    "split named classes": ({"classes": [["a"]], "splits": {**SPLITS, "classes": ["a"]}}, "'classes' must be a list"),
    "class twice": ({"classes": [*CLASSES[:5], "ant"]}, "names 'ant' twice"),
    "no class": ({"classes": []}, "classes is empty"),
    "classes that are no names": ({"classes": [1, 2, 3, 4, 5, 6]}, "'classes' must be a list of class names"),
    "class without a name": ({"classes": [*CLASSES[:5], ""]}, "'classes' must be a list of class names"),
    "class that cannot be shown": ({"classes": [*CLASSES[:5], "fo\x1b[2Jx"]}, "characters that can be shown"),
    "class without an image": ({"classes": [*CLASSES, "gnu"]}, "'gnu' has no image"),
    "a source that is no text": ({"source": None}, "'source' is missing or not of type str"),
    "splits that are no object": ({"splits": [1]}, "'splits' is missing or not of type dict"),
}


@pytest.mark.parametrize("case", ABOUT)
def test_a_wrong_description_is_told(case, tmp_path):
    changes, complaint = ABOUT[case]
    write_prepared(tmp_path, **changes)
    _refuses(tmp_path, complaint)


def test_a_folder_has_the_name_of_its_data_set(tmp_path):
    write_prepared(tmp_path, "yours").rename(tmp_path / "mine")
    _refuses(tmp_path, "describes 'yours', not 'mine'")


ARRAYS = {
    "label too large": ({"labels": np.tile(np.arange(1, 7), 2)}, "label 6 is outside 0 … 5"),
    "label too small": ({"labels": np.tile(np.arange(-1, 5), 2)}, "label -1 is outside 0 … 5"),
    "labels of another type": ({"labels": np.zeros(12, np.int32)}, "type int64, not 12 int32"),
    "labels of another byte order": ({"labels": np.zeros(12, ">i8")}, "type int64, not 12 >i8"),
    "labels in two dimensions": ({"labels": np.zeros((12, 1), np.int64)}, "type int64, not 12×1"),
    "too few labels": ({"labels": np.arange(6)}, "6 labels for 12 images"),
    "images of another type": ({"images": np.zeros((12, 16, 16, 3), np.float32)}, "must be uint8, not float32"),
    "flat images": ({"images": np.zeros((12, 768), np.uint8)}, "not 12×768"),
    "images that are not square": ({"images": np.zeros((12, 16, 8, 3), np.uint8)}, "not 12×16×8×3"),
    "two channels": ({"images": np.zeros((12, 16, 16, 2), np.uint8)}, "not 12×16×16×2"),
    "no image": ({"images": np.zeros((0, 16, 16, 3), np.uint8)}, "not 0×16×16×3"),
    "structured images": ({"images": np.zeros(12, [("a", "u1"), ("b", "u1")])}, "must be uint8"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_wrong_arrays_are_told(case, tmp_path):
    changes, complaint = ARRAYS[case]
    write_prepared(tmp_path, **changes)
    _refuses(tmp_path, complaint)


def _huge_header() -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 32, 32, 3)})
    return file.getvalue() + b"\0" * 1000


FILES = {
    "truncated images": ("images.npy", lambda whole: whole[: len(whole) // 2]),
    "cut header": ("images.npy", lambda whole: whole[:20]),
    "empty images": ("images.npy", lambda _: b""),
    "images that promise terabytes": ("images.npy", lambda _: _huge_header()),
    "header that is code": ("labels.npy", lambda whole: whole.replace(b"'descr'", b"exit(9)")),
    "labels that are a zip": ("labels.npy", lambda _: b"PK\x03\x04" + b"\0" * 60),
    "truncated labels": ("labels.npy", lambda whole: whole[:-8]),
    "cut JSON": ("dataset.json", lambda whole: whole[:-2]),
    "JSON of another kind": ("dataset.json", lambda _: b"[]"),
    "JSON in another encoding": ("dataset.json", lambda _: b"\xff\xfe{\0}\0"),
    "JSON too deep": ("dataset.json", lambda _: b"[" * 200_000),
    "JSON with an endless number": ("dataset.json", lambda _: b"9" * 10_000),
}


@pytest.mark.parametrize("case", FILES)
def test_a_damaged_file_is_named(case, tmp_path):
    file, spoil = FILES[case]
    path = write_prepared(tmp_path) / file
    path.write_bytes(spoil(path.read_bytes()))
    _refuses(tmp_path, file)


@pytest.mark.parametrize("file", ["images.npy", "labels.npy"])
def test_pickled_arrays_are_never_opened(file, tmp_path):
    """An object array runs what its maker likes when it is unpickled."""

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = write_prepared(tmp_path) / file
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    _refuses(tmp_path, file)
    path.write_bytes(pickle.dumps(Trap()))
    _refuses(tmp_path, file)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "dataset.json"])
def test_a_missing_file_is_named(file, tmp_path):
    (write_prepared(tmp_path) / file).unlink()
    _refuses(tmp_path, f"{file} is missing")


def test_an_enormous_description_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("lambda_core.data.prepared._LARGEST_JSON", 10)
    write_prepared(tmp_path)
    _refuses(tmp_path, "larger than")


def _refuses(root: Path, complaint: str) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset("mine", root)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_NAMES = ["", ".", "..", "../mine", "a/b", "/etc", "Mine", "-mine", "mine ", "mi\0ne", "mine\n", "ä", "a" * 65, None]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_nothing_but_a_plain_name_reaches_the_disk(name, tmp_path, monkeypatch):
    def touched(*_):
        raise AssertionError("the disk was touched")

    monkeypatch.setattr(Path, "is_dir", touched)
    monkeypatch.setattr(Path, "is_file", touched)
    with pytest.raises(DataError, match="no name of a data set"):
        load_dataset(name, tmp_path)


@pytest.mark.parametrize("name", ["cifar-fs", "fc100", "omniglot"])
def test_a_missing_download_names_its_command(name, tmp_path):
    with pytest.raises(DataError, match=f"lambda-core data fetch {name}"):
        load_dataset(name, tmp_path)


def test_an_unknown_data_set_points_to_the_list(tmp_path):
    with pytest.raises(DataError, match="lambda-core data list"):
        load_dataset("no-such-set", tmp_path)


def test_sinusoid_has_nothing_to_load(tmp_path):
    with pytest.raises(DataError, match="sinusoid has no images"):
        load_dataset("sinusoid", tmp_path)


def test_the_root_is_the_argument_then_the_environment_then_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMBDA_DATA", str(tmp_path / "environment"))
    assert data_root(tmp_path / "argument") == tmp_path / "argument"
    assert data_root() == tmp_path / "environment"
    monkeypatch.setenv("LAMBDA_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_root().name == "lambda-lab"


def test_loading_needs_neither_torch_nor_matplotlib():
    program = (
        "import json, sys; from lambda_core.data import describe, list_datasets, load_dataset; "
        "load_dataset('glyphs'); heavy = {'torch', 'torchvision', 'matplotlib'}; "
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []


def test_a_byte_order_mark_is_passed_over(tmp_path):
    write_prepared(tmp_path, "mine")
    path = tmp_path / "mine" / "dataset.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_dataset("mine", tmp_path).name == "mine"


def test_the_home_folder_may_be_written_short(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LAMBDA_DATA", "~/data")
    assert data_root() == tmp_path / "data"
