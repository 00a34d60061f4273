"""Data sets are written whole or not at all."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from lambda_core.data import load_dataset
from lambda_core.data.writing import Draft, part_folder, write_dataset
from lambda_core.errors import DataError
from tests.support.making import left_in, write_prepared

IMAGES = np.random.RandomState(0).randint(0, 256, (6, 16, 16, 1)).astype(np.uint8)


def draft(pieces=None, labels=None) -> Draft:
    splits = {"train": ("a",), "val": ("b",), "test": ("c",)}
    labels = np.array([0, 0, 1, 1, 2, 2]) if labels is None else labels
    return Draft("mine", "a test", ("a", "b", "c"), splits, labels, IMAGES.shape, pieces or [IMAGES[:4], IMAGES[4:]])


def test_what_is_written_loads_and_nothing_else_stays(tmp_path):
    root = tmp_path / "new" / "root"
    assert write_dataset(draft(), root) == root / "mine"
    data = load_dataset("mine", root)
    assert (data.images == IMAGES).all()
    assert data.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert left_in(root) == ["mine"]
    assert left_in(root / "mine") == ["dataset.json", "images.npy", "labels.npy"]


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted():
    yield IMAGES[:4]
    raise KeyboardInterrupt


@pytest.mark.parametrize("writer", ["_write_images", "_write_labels", "write_json", "_publish"])
def test_a_full_disk_is_told_and_leaves_nothing(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(f"lambda_core.data.writing.{writer}", full_disk)
    with pytest.raises(DataError, match=r"mine could not be written to .*: No space left on device; nothing was left"):
        write_dataset(draft(), tmp_path)
    assert left_in(tmp_path) == []


def test_a_device_that_is_full_for_real(tmp_path, monkeypatch):
    """/dev/full takes no byte; the writer itself must notice."""
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("this system has no /dev/full")
    monkeypatch.setattr("lambda_core.data.writing.write_with", lambda path, write: write(type(path)("/dev/full")))
    with pytest.raises(DataError, match="No space left on device"):
        write_dataset(draft(), tmp_path)
    assert left_in(tmp_path) == []


def test_an_interruption_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_dataset(draft(pieces=interrupted()), tmp_path)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("wrong", [{"pieces": [IMAGES[:4]]}, {"labels": np.arange(6)}], ids=["too short", "labels"])
def test_what_does_not_load_is_not_published(wrong, tmp_path):
    with pytest.raises(DataError):
        write_dataset(draft(**wrong), tmp_path)
    assert left_in(tmp_path) == []


def test_a_root_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write_dataset(draft(), tmp_path / "file")


def test_what_is_there_stays_unless_it_is_to_be_replaced(tmp_path):
    write_prepared(tmp_path)
    before = load_dataset("mine", tmp_path).fingerprint()
    with pytest.raises(DataError, match="already there"):
        write_dataset(draft(), tmp_path)
    assert load_dataset("mine", tmp_path).fingerprint() == before
    write_dataset(draft(), tmp_path, replace=True)
    assert load_dataset("mine", tmp_path).fingerprint() != before
    assert left_in(tmp_path) == ["mine"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (write_prepared(tmp_path) / "thesis.tex").touch()
    with pytest.raises(DataError, match=r"'thesis\.tex', which is no part of a data set"):
        write_dataset(draft(), tmp_path, replace=True)
    assert "thesis.tex" in left_in(tmp_path / "mine")
    assert left_in(tmp_path) == ["mine"]


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    (tmp_path / ".mine.old.part").mkdir()
    with part_folder(tmp_path, "mine") as first, part_folder(tmp_path, "mine") as second:
        assert left_in(tmp_path) == sorted([first.name, second.name])
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "dataset.json"])
def test_no_flipped_bit_of_a_prepared_data_set_passes(name, tmp_path):
    path = write_dataset(draft(), tmp_path) / name
    content = path.read_bytes()
    for place in range(0, len(content) - 2, max(1, len(content) // 40)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DataError, match=rf"{name}|dataset\.json|mine"):
            load_dataset("mine", tmp_path)
    path.write_bytes(content)
    assert load_dataset("mine", tmp_path).name == "mine"
