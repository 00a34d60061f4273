"""Images of one's own: every form that is read, every fault that is told."""

from __future__ import annotations

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lambda_core.data import decoding, load_dataset
from lambda_core.data.image_file import read_picture
from lambda_core.data.importing import divide, find_splits, import_folder, passed_over
from lambda_core.data.prepared import load_folder
from lambda_core.errors import ConfigError, DataError
from tests.support.making import left_in, write_pictures


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


def test_class_folders_become_a_data_set(pictures, root):
    assert import_folder(pictures, "mine", root) == root / "mine"
    data = load_dataset("mine", root)
    assert data.images.shape == (20, 32, 32, 3)
    assert sorted(data.classes) == [f"c{label:02d}" for label in range(10)]
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [6, 2, 2]
    for split in data.splits:
        for name, places in data.class_indices(split):
            colours = [[20 * int(name[1:]), 100 * place, 200] for place in range(2)]
            assert data.images[places, 5, 5].tolist() == colours
    assert left_in(root) == ["mine"]
    assert "pictures" in data.source
    assert str(pictures.parent) not in data.source


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp"])
def test_three_formats_are_read(suffix, tmp_path, root):
    write_pictures(tmp_path / "pictures", suffix=suffix)
    import_folder(tmp_path / "pictures", "mine", root, channels=1, size=16)
    data = load_dataset("mine", root)
    assert data.images.shape == (20, 16, 16, 1)
    label = data.classes.index("c05")
    grey = round(0.299 * 100 + 0.587 * 100 + 0.114 * 200)
    assert np.abs(data.images[data.labels == label][1].astype(int) - grey).max() <= 4


def test_other_files_are_passed_over(pictures, root):
    (pictures / "c00" / "notes.txt").write_text("no image")
    (pictures / "c00" / ".hidden.png").write_text("no image")
    (pictures / ".git").mkdir()
    (pictures / "README.md").write_text("no class")
    assert len(load_dataset("mine", import_folder(pictures, "mine", root).parent).images) == 20


def test_the_split_is_drawn_by_the_seed(pictures, root):
    splits = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        import_folder(pictures, name, root, seed=seed)
        splits.append(load_dataset(name, root).splits)
    assert splits[0] == splits[1] != splits[2]


def test_folders_of_splits_are_kept(tmp_path, root):
    for split, count in (("train", 3), ("val", 2), ("test", 2)):
        for label in range(count):
            write_pictures(tmp_path / "p" / split / f"{split}-{label}", classes=1)
            os.rename(tmp_path / "p" / split / f"{split}-{label}" / "c00", tmp_path / "moved")  # noqa: PTH104
            (tmp_path / "p" / split / f"{split}-{label}").rmdir()
            (tmp_path / "moved").rename(tmp_path / "p" / split / f"{split}-{label}")
    import_folder(tmp_path / "p", "mine", root, val=0.5)
    assert load_dataset("mine", root).splits == {
        "train": ("train-0", "train-1", "train-2"),
        "val": ("val-0", "val-1"),
        "test": ("test-0", "test-1"),
    }


@pytest.mark.parametrize(
    ("count", "val", "test", "sizes"),
    [(10, 0.2, 0.2, (6, 2, 2)), (100, 0.16, 0.2, (64, 16, 20)), (6, 0.2, 0.2, (2, 2, 2)), (5, 0, 0, (5, 0, 0))],
)
def test_shares_of_classes(count, val, test, sizes):
    names = [f"{place:03d}" for place in range(count)]
    splits = divide(names, val, test, seed=3)
    assert tuple(len(splits[split]) for split in ("train", "val", "test")) == sizes
    assert sorted(name for members in splits.values() for name in members) == names
    assert all(members == sorted(members) for members in splits.values())


# Faults: each spoils the folder of pictures, and is told with the words beside it.


def _write(path, content: bytes):
    path.write_bytes(content)


def _png_header(width: int, height: int) -> bytes:
    """The first chunk of a PNG: it says how large the picture is, and no pixel follows."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + crc + struct.pack(">I", 0) + b"IDAT" + b"\0" * 4


def _cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def _gif(path):
    Image.new("RGB", (9, 9)).save(path, format="GIF")


def _pipe(path):
    path.unlink()
    os.mkfifo(path)


def _link_out(path):
    secret = path.parents[2] / "secret.png"
    Image.new("RGB", (9, 9)).save(secret)
    path.unlink()
    path.symlink_to(secret)


def _folder_link_out(path):
    write_pictures(path.parents[2] / "elsewhere", classes=1)
    (path.parents[1] / "linked").symlink_to(path.parents[2] / "elsewhere" / "c00")


def _circle(path):
    path.unlink()
    path.symlink_to(path.name)


FAULTS = {
    "no image": (lambda path: _write(path, b"no image"), r"c03/1\.png is no readable PNG, JPEG or WebP"),
    "empty": (lambda path: _write(path, b""), r"c03/1\.png is no readable"),
    "cut": (_cut, r"c03/1\.png is no readable"),
    "another format": (_gif, r"c03/1\.png is no readable"),
    "large": (lambda path: _write(path, _png_header(8000, 8000)), r"c03/1\.png has 8000×8000 pixels"),
    "larger": (lambda path: _write(path, _png_header(15000, 9000)), r"c03/1\.png has 15000×9000 pixels"),
    "bomb": (lambda path: _write(path, _png_header(2**31 - 1, 2**31 - 1)), r"c03/1\.png is no readable"),
    "no pixel": (lambda path: _write(path, _png_header(0, 5)), r"c03/1\.png is no readable"),
    "one image": (lambda path: path.unlink(), "c03 holds 1 PNG, JPEG or WebP images; a class needs at least 2"),
    "a pipe": (_pipe, "c03 holds 1 PNG"),
    "a link out": (_link_out, r"c03/1\.png is a link out of the folder"),
    "a folder linked from outside": (_folder_link_out, "linked is a link out of the folder"),
    "a link to itself": (_circle, "c03"),
    "an empty class": (lambda path: (path.parents[1] / "empty").mkdir(), "empty holds 0 PNG"),
    "a name that cannot be shown": (lambda path: path.parent.rename(path.parents[1] / "c\x1b[2J"), "cannot be shown"),
    "a name that is no text": (lambda path: path.parent.rename(path.parents[1] / "c\udc80"), "cannot be shown"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_folder_is_told_and_nothing_is_left(fault, pictures, root):
    spoil, complaint = FAULTS[fault]
    spoil(pictures / "c03" / "1.png")
    with pytest.raises(DataError, match=complaint) as caught:
        import_folder(pictures, "mine", root)
    assert "\n" not in str(caught.value)
    assert left_in(root) == []


def test_a_class_in_two_splits_is_told(tmp_path, root):
    for split in ("train", "val", "test"):
        write_pictures(tmp_path / "p" / split, classes=2)
    with pytest.raises(DataError, match="class 'c00' is in train and in val"):
        import_folder(tmp_path / "p", "mine", root)


@pytest.mark.parametrize("classes", [1, 5])
def test_too_few_classes_are_told(classes, tmp_path, root):
    write_pictures(tmp_path / "few", classes=classes)
    with pytest.raises(DataError, match="too few class folders"):
        import_folder(tmp_path / "few", "mine", root)


def test_a_folder_that_is_none_or_empty(tmp_path, root):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is no folder"):
        import_folder(tmp_path / "nowhere", "mine", root)
    with pytest.raises(DataError, match="too few class folders"):
        import_folder(tmp_path / "empty", "mine", root)


@pytest.mark.parametrize("name", ["glyphs", "sinusoid", "cifar-fs", "../mine", "Mine", ""])
def test_names_that_cannot_be_given(name, pictures, root):
    with pytest.raises(DataError, match="name of a"):
        import_folder(pictures, name, root)
    assert left_in(root) == []


def test_an_existing_data_set_stays(pictures, root):
    import_folder(pictures, "mine", root, seed=0)
    before = load_dataset("mine", root).fingerprint()
    with pytest.raises(DataError, match="already there"):
        import_folder(pictures, "mine", root, seed=1)
    assert load_dataset("mine", root).fingerprint() == before


SETTINGS = [
    {"channels": 2}, {"size": 15}, {"size": 257}, {"val": -0.1}, {"val": float("nan")}, {"test": 1.0},
    {"val": 0.6, "test": 0.5}, {"seed": -1}, {"seed": 2**32},
]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_settings_out_of_range(setting, pictures, root):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        import_folder(pictures, "mine", root, **setting)


# One picture: what comes out is what a viewer would show.


def test_the_middle_square_is_kept(tmp_path):
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert read_picture(tmp_path / "wide.png", 20, 1).min() == 255


def test_a_photograph_is_turned_upright(tmp_path):
    pixels = np.zeros((40, 40), np.uint8)
    pixels[:20] = 255  # bright above, as the sensor saw it
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    upright = read_picture(tmp_path / "turned.jpg", 16, 1)[..., 0].astype(int)
    assert upright[:, 12:].min() > 200
    assert upright[:, :4].max() < 50


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_is_white(mode, tmp_path):
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0)).convert(mode)
    image.save(tmp_path / "clear.png", **({"transparency": 0} if mode == "P" else {}))
    assert read_picture(tmp_path / "clear.png", 16, 3).min() == 255


def test_sixteen_bit_greys_are_scaled(tmp_path):
    Image.fromarray(np.full((20, 20), 0x4000, np.uint16)).save(tmp_path / "deep.png")
    assert np.unique(read_picture(tmp_path / "deep.png", 16, 1)).tolist() == [0x40]


@pytest.mark.parametrize("name", ["می\u200cخوانم", "👩\u200d🔬", "no\u00a0break"])
def test_names_with_joiners_are_names(tmp_path, name):
    folder = tmp_path / "pictures"
    for label in (name, *"abcdefg"):
        (folder / label).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (16, 16), (number, 0, 0)).save(folder / label / f"{number}.png")
    made = import_folder(folder, "mine", tmp_path / "root")
    assert name in load_folder(made).classes


def test_valid_beside_train_is_told_from_a_class(tmp_path):
    for split in ("train", "valid", "test"):
        (tmp_path / split / "a").mkdir(parents=True)
    with pytest.raises(DataError, match="rename valid to val"):
        import_folder(tmp_path, "mine", tmp_path / "root")


def test_files_of_other_kinds_are_counted(tmp_path):
    folder = tmp_path / "pictures"
    for label in "abcdefgh":
        (folder / label).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (16, 16)).save(folder / label / f"{number}.png")
    (folder / "a" / "IMG_1.HEIC").write_bytes(b"heic")
    (folder / "a" / ".DS_Store").write_bytes(b"")
    assert [path.name for path in passed_over(folder)] == ["IMG_1.HEIC"]
    for number in range(2):
        (folder / "b" / f"{number}.png").rename(folder / "b" / f"{number}.heic")
    with pytest.raises(DataError, match=r"holds 0 PNG.*, and 2 other files \(\.heic\): convert them"):
        import_folder(folder, "mine", tmp_path / "root")


def test_a_line_of_millions_of_pixels_is_refused_before_it_is_decoded(tmp_path):
    from lambda_core.data import read_picture

    Image.new("L", (1, 30_000)).save(tmp_path / "line.png")
    with pytest.raises(DataError, match=r"line\.png has 1×30000 pixels; 20,000 a side are the limit"):
        read_picture(tmp_path / "line.png", 32, 3)


# Many images: pieces, several processes, and imports that were stopped.


@pytest.fixture
def in_pieces(monkeypatch):
    """As if twenty images were many: three pieces."""
    monkeypatch.setattr(decoding, "PIECE", 8)


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_many_images_in_pieces_are_the_same_data_set(pictures, root, tmp_path, processes, monkeypatch):
    import_folder(pictures, "mine", tmp_path / "at-once")
    monkeypatch.setattr(decoding, "PIECE", 8)
    seen = []
    import_folder(pictures, "mine", root, processes=processes, report=seen.append)
    whole, pieces = (load_dataset("mine", place) for place in (tmp_path / "at-once", root))
    assert whole.fingerprint() == pieces.fingerprint()
    assert np.array_equal(whole.images, pieces.images)
    assert left_in(root) == ["mine"]
    assert seen[-1].done == seen[-1].total == 20


@pytest.mark.usefixtures("in_pieces")
def test_a_stopped_import_goes_on_where_it_was(pictures, root, monkeypatch):
    decode = decoding.Pictures.decode
    calls = []

    def once(pictures):
        if calls:
            raise KeyboardInterrupt
        calls.append(pictures)
        return decode(pictures)

    monkeypatch.setattr(decoding.Pictures, "decode", once)
    with pytest.raises(KeyboardInterrupt):
        import_folder(pictures, "mine", root)
    monkeypatch.setattr(decoding.Pictures, "decode", lambda pictures: (calls.append(pictures), decode(pictures))[1])
    import_folder(pictures, "mine", root)
    assert sorted(path for each in calls for path in each.paths) == sorted(pictures.rglob("*.png"))
    assert left_in(root) == ["mine"]


@pytest.mark.usefixtures("in_pieces")
def test_an_image_that_was_changed_meanwhile_is_decoded_again(pictures, root):
    broken = sorted(pictures.rglob("*.png"))[-1]
    content = broken.read_bytes()
    broken.write_bytes(b"no image")
    with pytest.raises(DataError, match="no readable"):
        import_folder(pictures, "mine", root)
    assert left_in(root) != ["mine"]
    broken.write_bytes(content)
    import_folder(pictures, "mine", root)
    import_folder(pictures, "again", root)
    assert np.array_equal(load_dataset("mine", root).images, load_dataset("again", root).images)


def test_what_an_import_left_that_was_killed_when_all_was_there_goes(pictures, root):
    import_folder(pictures, "mine", root)
    for left in (".mine.x7.part", ".mine.importing"):
        (root / left).mkdir()
        (root / left / "images.npy").write_bytes(b"many")
    (root / ".mine.importing.lock").touch()
    with pytest.raises(DataError, match="already there"):
        import_folder(pictures, "mine", root)
    assert left_in(root) == ["mine"]


def test_all_classes_may_be_kept_for_measuring(tmp_path):
    splits = find_splits(write_pictures(tmp_path / "p", classes=9), 0.5, 0.5, 0)
    assert [len(splits[split]) for split in ("train", "val", "test")] == [0, 4, 5]
