"""A prepared data set from one's own images: a folder of class folders, or train, val and test folders of such."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lambda_core.data.dataset import SPLITS
from lambda_core.data.decoding import Pictures, decoded, forget
from lambda_core.data.image_file import SUFFIXES
from lambda_core.data.prepared import FETCHABLE, can_be_shown, check_name, data_root
from lambda_core.data.writing import Draft, refuse_taken, remove_left, write_dataset
from lambda_core.errors import ConfigError, DataError
from lambda_core.system import Report

SMALLEST, LARGEST = 16, 256  # pixels of a side; 4-CONV halves it four times
FEWEST = 2  # classes of a split, images of a class: less leaves nothing to tell apart, or nothing to ask
OTHER_NAMES_OF_VAL = {"valid", "validation", "dev"}
TAKEN = ("glyphs", "sinusoid", *FETCHABLE)

Classes = dict[str, list[Path]]  # class name to its image files


def import_folder(
    folder: str | Path, name: str, root: str | Path | None = None, *,
    channels: int = 3, size: int = 32, val: float = 0.2, test: float = 0.2, seed: int = 0,
    processes: int | None = 1, report: Report | None = None,
) -> Path:  # fmt: skip
    """Prepare the images in `folder` as `<root>/<name>/` and return that folder.

    Images (PNG, JPEG, WebP; other files are passed over) become size × size × channels. Where folder holds just
    train, val and test, they are the splits; else `val` and `test` are the shares of the classes, drawn by `seed`,
    that the two splits get. processes: None: one a core; the data set is the same. Many images are decoded piece by
    piece, and a stopped import goes on where it was. Raises ConfigError for the settings, DataError for the folder and
    the images.
    """
    _check_settings(channels, size, val, test, seed)
    if check_name(name) in TAKEN:
        raise DataError(f"{name!r} is the name of a known data set; choose another for your own")
    splits = find_splits(Path(folder), val, test, seed)
    files = {label: paths for classes in splits.values() for label, paths in classes.items()}
    labels = np.repeat(np.arange(len(files)), [len(paths) for paths in files.values()])
    pictures = Pictures(tuple(path for paths in files.values() for path in paths), size, channels)
    names = {split: tuple(classes) for split, classes in splits.items()}
    source = f"{len(labels):,} images imported from the folder {Path(folder).resolve().name!r}"
    root = data_root(root)
    place = root / f".{name}.importing"
    _refuse_taken(root, name, place)
    with decoded(pictures, place, processes, report) as pieces:
        return write_dataset(Draft(name, source, tuple(files), names, labels, pictures.shape, pieces), root)


def _refuse_taken(root: Path, name: str, place: Path) -> None:
    """Raises DataError where the data set is there; what one left that was killed thereafter goes first."""
    if (root / name).exists():
        remove_left(root, name)
        forget(place)
    refuse_taken(root / name)


def find_splits(folder: Path, val: float, test: float, seed: int) -> dict[str, Classes]:
    """Split to its classes, by name, to their image files, by name; checked, nothing decoded yet."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; give one that holds a folder of images for each class")
    home = folder.resolve()
    inside = _folders(folder, home)
    _refuse_other_names_of_splits(folder, {path.name for path in inside})
    if {path.name for path in inside} == set(SPLITS):
        splits = {split: _classes(_folders(folder / split, home), home) for split in SPLITS}
        _check_apart(splits)
    else:
        classes = _classes(inside, home)
        drawn = divide(list(classes), val, test, seed)
        splits = {split: {name: classes[name] for name in names} for split, names in drawn.items()}
    for split, classes in splits.items():
        _check_enough(folder, split, classes, needed=bool({"train": val + test < 1, "val": val, "test": test}[split]))
    return splits


def divide(names: list[str], val: float, test: float, seed: int) -> dict[str, list[str]]:
    """Draw which classes validate and test (shares of all; together 1: none train); each in the order of `names`."""
    shuffled = np.random.RandomState(seed).permutation(len(names))
    val_count, test_count = (max(FEWEST, round(len(names) * share)) if share else 0 for share in (val, test))
    if val + test >= 1:
        test_count = len(names) - val_count
    drawn = {"val": shuffled[:val_count], "test": shuffled[val_count:][:test_count]}
    drawn["train"] = shuffled[val_count + test_count :]
    return {split: [names[place] for place in sorted(drawn[split])] for split in SPLITS}


def _refuse_other_names_of_splits(folder: Path, names: set[str]) -> None:
    """train, valid and test would otherwise pass for three classes."""
    others = names - set(SPLITS)
    if others and others <= OTHER_NAMES_OF_VAL and "train" in names:
        raise DataError(
            f"{folder} holds train and {min(others)}; the splits are train, val and test: rename {min(others)} to val"
        )


def passed_over(folder: str | Path) -> list[Path]:
    """The files below `folder` that are no images of a kind that is read; hidden ones are not counted."""
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.suffix.lower() not in SUFFIXES)
    return sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _classes(folders: list[Path], home: Path) -> Classes:
    classes = {}
    for folder in folders:
        if not can_be_shown(folder.name):
            raise DataError(f"the folder name {folder.name!a} has characters that cannot be shown; rename it")
        classes[folder.name] = _images(folder, home)
    return classes


def _images(folder: Path, home: Path) -> list[Path]:
    images = [path for path in _entries(folder, home) if path.suffix.lower() in SUFFIXES and path.is_file()]
    if len(images) < FEWEST:
        others = sorted({path.suffix.lower() for path in passed_over(folder) if path.suffix})
        what = f", and {len(passed_over(folder))} other files ({', '.join(others)}): convert them" if others else ""
        raise DataError(f"{folder} holds {len(images)} PNG, JPEG or WebP images{what}; a class needs at least {FEWEST}")
    return images


def _folders(folder: Path, home: Path) -> list[Path]:
    return [path for path in _entries(folder, home) if path.is_dir()]


def _entries(folder: Path, home: Path) -> list[Path]:
    """What is in the folder, by name, without hidden entries; a link out of `home` is refused."""
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        for path in entries:
            if not path.resolve().is_relative_to(home):
                raise DataError(f"{path} is a link out of the folder; only images inside it are imported")
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise DataError(f"{folder} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return entries


def _check_settings(channels: int, size: int, val: float, test: float, seed: int) -> None:
    if channels not in (1, 3):
        raise ConfigError(f"channels must be 1 (grey) or 3 (colour), not {channels}")
    if not SMALLEST <= size <= LARGEST:
        raise ConfigError(f"size must lie between {SMALLEST} and {LARGEST} pixels, not {size}")
    if not (0 <= val < 1 and 0 <= test < 1 and val + test <= 1):
        raise ConfigError(f"val and test are shares of the classes, together at most 1, not {val} and {test}")
    if not 0 <= seed < 2**32:
        raise ConfigError(f"seed must lie between 0 and {2**32 - 1}, not {seed}")


def _check_apart(splits: dict[str, Classes]) -> None:
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = sorted(set(splits[one]) & set(splits[other]))
        if shared:
            raise DataError(f"class {shared[0]!r} is in {one} and in {other}; a class belongs to one split")


def _check_enough(folder: Path, split: str, classes: Classes, needed: bool) -> None:
    if needed and len(classes) < FEWEST:
        raise DataError(f"{folder} has too few class folders: {split} gets {len(classes)} and needs at least {FEWEST}")
