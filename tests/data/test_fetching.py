"""Fetching through torchvision, which is stood in for: there is no network in tests."""

from __future__ import annotations

import errno
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets
from torchvision.datasets import utils

from lambda_core.data import load_dataset
from lambda_core.data.class_splits import OMNIGLOT_VAL
from lambda_core.data.fetching import CIFAR_CLASSES, CIFAR_SPLITS, drawing, fetch
from lambda_core.errors import DataError
from tests.conftest import PREPARE
from tests.support.cifar_stand_in import CIFAR100
from tests.support.making import left_in, write_prepared

OMNIGLOT_PARTS = {True: {"Latin": 2, "Greek": 1}, False: {"ULOG": 2}}  # background or not: alphabets, characters


class Omniglot:
    """As much of torchvision's as we use: drawings of three sizes, ink black on white."""

    folder = "omniglot-py"

    def __init__(self, root: str, background: bool, download: bool) -> None:
        assert download
        home = Path(root, self.folder, "images_background" if background else "images_evaluation")
        for alphabet, characters in OMNIGLOT_PARTS[background].items():
            for character in range(1, characters + 1):
                folder = home / alphabet / f"character{character:02d}"
                folder.mkdir(parents=True)
                for place in range(3):
                    paper = Image.new("1", (105, 105), 1)
                    paper.paste(0, (0, 0, 15 * character, 15 * (place + 1)))
                    paper.save(folder / f"0001_{place:02d}.png")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(datasets, "CIFAR100", CIFAR100)
    monkeypatch.setattr(datasets, "Omniglot", Omniglot)


@pytest.mark.parametrize("name", ["cifar-fs", "fc100"])
def test_cifar_is_sorted_by_class_and_split_as_published(name, tmp_path):
    assert fetch(name, tmp_path) == tmp_path / name
    data = load_dataset(name, tmp_path)
    assert (data.images == CIFAR100.images).all()
    assert (data.labels == np.repeat(np.arange(100), 5)).all()
    assert data.classes == CIFAR_CLASSES
    assert data.splits == CIFAR_SPLITS[name][0]
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == (
        [64, 16, 20] if name == "cifar-fs" else [60, 20, 20]
    )
    assert left_in(tmp_path) == [name]


def test_omniglot_goes_by_alphabet(tmp_path):
    data = load_dataset("omniglot", fetch("omniglot", tmp_path).parent)
    assert data.classes == ("Greek/character01", "Latin/character01", "Latin/character02", "ULOG/character01",
                            "ULOG/character02")  # fmt: skip
    assert data.splits == {"train": data.classes[1:3], "val": data.classes[:1], "test": data.classes[3:]}
    assert data.images.shape == (15, 28, 28, 1)
    assert data.labels.tolist() == np.repeat(np.arange(5), 3).tolist()
    wide, high = data.images[6:9, 2, :, 0], data.images[6:9, :, 2, 0]  # Latin/character02: 30 pixels of ink across
    assert (wide == np.where(np.arange(28) < 8, 255, 0)).all()
    assert (high.sum(axis=1) == [255 * 4, 255 * 8, 255 * 12]).all()
    assert left_in(tmp_path) == ["omniglot"]


def test_progress_counts_bytes_then_images(tmp_path):
    seen = []
    fetch("cifar-fs", tmp_path, lambda *report: seen.append(report))
    assert seen == [(3, 7, "downloading cifar-fs"), (7, 7, "downloading cifar-fs")] * 2 + [
        (500, 500, "preparing cifar-fs")
    ]


def test_what_is_ready_is_left_alone(tmp_path, monkeypatch):
    folder = fetch("cifar-fs", tmp_path)
    before = [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())]
    monkeypatch.setattr(datasets, "CIFAR100", None)
    assert fetch("cifar-fs", tmp_path) == folder
    assert [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())] == before


def test_what_a_process_left_that_was_killed_when_all_was_there_goes(tmp_path):
    fetch("cifar-fs", tmp_path)
    for left in (".cifar-fs.x7.part", ".cifar-fs-download.x7.part"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "archive").write_bytes(b"of 170 MB")
    fetch("cifar-fs", tmp_path)
    assert left_in(tmp_path) == ["cifar-fs"]


def test_asked_to_stop_while_it_cleans_up_it_stops_thereafter(tmp_path, monkeypatch):
    remove = shutil.rmtree

    def asked_to_stop(*given, **more):
        os.kill(os.getpid(), signal.SIGINT)
        remove(*given, **more)

    monkeypatch.setattr(shutil, "rmtree", asked_to_stop)
    with pytest.raises(KeyboardInterrupt):
        fetch("cifar-fs", tmp_path)
    assert left_in(tmp_path) == ["cifar-fs"]


def test_a_damaged_one_is_mended(tmp_path):
    (fetch("cifar-fs", tmp_path) / "images.npy").write_bytes(b"damaged")
    fetch("cifar-fs", tmp_path)
    assert (load_dataset("cifar-fs", tmp_path).images == CIFAR100.images).all()
    assert left_in(tmp_path) == ["cifar-fs"]


def test_a_folder_with_anything_else_is_never_replaced(tmp_path):
    folder = write_prepared(tmp_path, "cifar-fs")
    (folder / "labels.npy").unlink()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt"):
        fetch("cifar-fs", tmp_path)
    assert left_in(folder) == ["dataset.json", "images.npy", "notes.txt"]


FAILURES = {
    "Name or service not known": urllib.error.URLError(socket.gaierror(-2, "Name or service not known")),
    "Not Found": urllib.error.HTTPError("http://x", 404, "Not Found", http.client.HTTPMessage(), None),
    "File not found or corrupted": RuntimeError("File not found or corrupted."),
    "timed out": TimeoutError("timed out"),
    "IncompleteRead": http.client.IncompleteRead(b"half"),
    "not a zip": zipfile.BadZipFile("File is not a zip file"),
    "No space left on device": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
}


@pytest.mark.parametrize("name", ["cifar-fs", "omniglot"])
@pytest.mark.parametrize("reason", FAILURES)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(name, reason, tmp_path, monkeypatch):
    bar, timeout = utils.tqdm, socket.getdefaulttimeout()
    monkeypatch.setattr(datasets, "CIFAR100", _failing(CIFAR100, FAILURES[reason]))
    monkeypatch.setattr(datasets, "Omniglot", _failing(Omniglot, FAILURES[reason]))
    with pytest.raises(DataError, match=f"{name} could not be downloaded: .*{reason}.*; nothing was left"):
        fetch(name, tmp_path)
    assert left_in(tmp_path) == []
    assert (utils.tqdm, socket.getdefaulttimeout()) == (bar, timeout)


def test_an_interrupted_download_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "CIFAR100", _failing(CIFAR100, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        fetch("cifar-fs", tmp_path)
    assert left_in(tmp_path) == []


def _failing(stand_in, error):
    """Downloads its first half, then fails."""

    class Failing(stand_in):
        def __init__(self, root, **part):
            if not part.get("train", part.get("background")):
                raise error
            super().__init__(root, **part)

    return Failing


def test_other_classes_than_cifars_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(CIFAR100, "classes", (*CIFAR_CLASSES[:99], "zebra"))
    with pytest.raises(DataError, match="other classes than CIFAR-100"):
        fetch("cifar-fs", tmp_path)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["glyphs", "sinusoid", "mine", "../cifar-fs", "CIFAR-FS", ""])
def test_only_three_names_can_be_fetched(name, tmp_path):
    with pytest.raises(DataError, match=r"nothing to fetch|no name of a data set"):
        fetch(name, tmp_path / "root")
    assert left_in(tmp_path) == []


@pytest.mark.data
def test_real_cifar_comes_out_as_the_prepared_one(real_data, tmp_path, monkeypatch):
    """The real images, mixed as torchvision hands them out, become the arrays that were prepared by hand."""
    prepared = load_dataset("cifar-fs", real_data)
    some = np.concatenate([places[:5] for _, places in _by_label(prepared)])
    monkeypatch.setattr(CIFAR100, "images", np.asarray(prepared.images[some]))
    fetched = load_dataset("cifar-fs", fetch("cifar-fs", tmp_path).parent)
    assert (fetched.images == prepared.images[some]).all()
    assert (fetched.labels == prepared.labels[some]).all()
    assert (fetched.classes, fetched.splits) == (prepared.classes, prepared.splits)


def _by_label(data):
    by_name = dict(pair for split in data.splits for pair in data.class_indices(split))
    return [(name, by_name[name]) for name in data.classes]


@pytest.fixture(scope="module")
def real_root(tmp_path_factory):
    if not PREPARE.exists():
        pytest.skip("there is no prepare script beside the checkout")
    return tmp_path_factory.mktemp("real")


@pytest.mark.data
def test_fc100_is_split_as_the_prepared_one():
    path = PREPARE.with_name("cifar-100.json")
    if not path.exists():
        pytest.skip("there are no facts of CIFAR-100 beside the checkout")
    facts = json.loads(path.read_text())
    assert {split: list(names) for split, names in CIFAR_SPLITS["fc100"][0].items()} == facts["fc100_splits"]
    superclass = dict(zip(facts["classes"], facts["coarse_classes"], strict=True))
    owners = {(superclass[name], split) for split, names in CIFAR_SPLITS["fc100"][0].items() for name in names}
    assert len(owners) == 20


@pytest.mark.data
def test_omniglot_is_like_the_prepared_one(real_root):
    """Its originals are not at hand; names, splits and the very grey levels that our area mean gives are."""
    subprocess.run([sys.executable, str(PREPARE), str(real_root), "omniglot"], check=True, capture_output=True)
    real = load_dataset("omniglot", real_root)
    assert {name.split("/")[0] for name in real.splits["val"]} == set(OMNIGLOT_VAL)
    assert list(real.classes[:964]) == sorted(real.classes[:964])
    assert real.splits["test"] == real.classes[964:]
    ours = np.concatenate([drawing(_noise(real_root / "noise.png", seed)) for seed in range(200)])
    assert set(np.unique(ours)) >= set(np.unique(real.images[::7]))


def _noise(path: Path, seed: int) -> Path:
    random = np.random.RandomState(seed)
    Image.fromarray(random.rand(105, 105) < random.uniform(0.02, 0.98)).save(path)
    return path
