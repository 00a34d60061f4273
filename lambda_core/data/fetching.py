"""Download and prepare CIFAR-FS, FC100 and Omniglot through torchvision, which checks what it downloads by MD5.

torchvision reads CIFAR-100's own files through pickle, once their checksums are right; nothing of ours does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lambda_core.data.class_splits import CIFAR_FS, FC100, OMNIGLOT_VAL, Splits
from lambda_core.data.download import Report, downloading
from lambda_core.data.prepared import FETCHABLE, check_name, data_root, load_folder
from lambda_core.data.writing import Draft, part_folder, remove_left, write_dataset
from lambda_core.errors import DataError

CIFAR_SPLITS: dict[str, tuple[Splits, str]] = {
    "cifar-fs": (CIFAR_FS, "class split of CIFAR-FS (Bertinetto et al. 2019)"),
    "fc100": (FC100, "class split of FC100 (Oreshkin et al. 2018)"),
}
CIFAR_SOURCE = "CIFAR-100 (Krizhevsky 2009), all 60,000 images"
CIFAR_CLASSES = tuple(sorted(name for names in CIFAR_FS.values() for name in names))  # its labels follow the alphabet
OMNIGLOT_SOURCE = "Omniglot (Lake et al. 2015), MIT licence; 105x105 originals, ink = 255, area-averaged to 28x28"
OMNIGLOT_PARTS = ("images_background", "images_evaluation")
OMNIGLOT_SIZE = 28
_PIECE = 1000  # images written at a time


def fetch(name: str, root: str | Path | None = None, progress: Report | None = None) -> Path:
    """Prepare "cifar-fs", "fc100" or "omniglot" in `data_root(root)` and return its folder; ready = nothing to do.

    progress(done, total, what) counts bytes while downloading, images while preparing. Raises DataError.
    """
    if check_name(name) not in FETCHABLE:
        raise DataError(f"{name} is nothing to fetch; {', '.join(FETCHABLE[:-1])} and {FETCHABLE[-1]} are")
    home, download = data_root(root), f"{name}-download"
    for left in (name, download):  # by a process that was killed when all was there
        remove_left(home, left)
    if _is_ready(home / name):
        return home / name
    report = progress or _silent
    draft = omniglot_draft if name == "omniglot" else cifar_draft
    with downloading(name, report), part_folder(home, download) as folder:
        return write_dataset(draft(name, folder, report), home, replace=True)


def _is_ready(folder: Path) -> bool:
    try:
        load_folder(folder)
    except DataError:
        return False
    return True


def _silent(done: int, total: int, what: str) -> None:
    """Nobody asked for progress."""


def cifar_draft(name: str, download: Path, report: Report) -> Draft:
    """CIFAR-100 class by class; within a class the training images before the test images, in file order."""
    from torchvision.datasets import CIFAR100

    parts = [CIFAR100(str(download), train=train, download=True) for train in (True, False)]
    if tuple(parts[0].classes) != CIFAR_CLASSES:
        raise DataError(f"{name}: what was downloaded has other classes than CIFAR-100")
    images = np.concatenate([part.data for part in parts])
    labels = np.concatenate([np.asarray(part.targets, np.int64) for part in parts])
    order = np.argsort(labels, kind="stable")
    pieces = (images[order[start : start + _PIECE]] for start in range(0, len(order), _PIECE))
    splits, origin = CIFAR_SPLITS[name]
    source = f"{CIFAR_SOURCE}; {origin}"
    counted = _counted(pieces, len(order), name, report)
    return Draft(name, source, CIFAR_CLASSES, splits, labels[order], images.shape, counted)


def omniglot_draft(name: str, download: Path, report: Report) -> Draft:
    """Omniglot alphabet by alphabet: of the background set most train and five validate, the evaluation set tests."""
    from torchvision.datasets import Omniglot

    for background in (True, False):
        Omniglot(str(download), background=background, download=True)
    known, unseen = (_characters(download / Omniglot.folder / part) for part in OMNIGLOT_PARTS)
    characters = known | unseen
    held_out = tuple(character for character in known if character.partition("/")[0] in OMNIGLOT_VAL)
    train = tuple(character for character in known if character not in held_out)
    splits = {"train": train, "val": held_out, "test": tuple(unseen)}
    labels = np.repeat(np.arange(len(characters)), [len(files) for files in characters.values()])
    pieces = (np.stack([drawing(file) for file in files]) for files in characters.values())
    counted = _counted(pieces, len(labels), name, report)
    shape = (len(labels), OMNIGLOT_SIZE, OMNIGLOT_SIZE, 1)
    return Draft(name, OMNIGLOT_SOURCE, tuple(characters), splits, labels, shape, counted)


def drawing(file: Path) -> NDArray[np.uint8]:
    """(28, 28, 1) uint8 of an Omniglot file (black on white, 105×105): ink = 255, each pixel a mean over its area."""
    with Image.open(file, formats=["PNG"]) as image:
        ink = ImageOps.invert(image.convert("L"))
    return np.asarray(ink.resize((OMNIGLOT_SIZE, OMNIGLOT_SIZE), Image.Resampling.BOX))[..., None]


def _characters(folder: Path) -> dict[str, list[Path]]:
    """Every "Alphabet/character01" with its drawings, both in the order of their names."""
    folders = sorted(path for path in folder.glob("*/*") if path.is_dir())
    return {f"{path.parent.name}/{path.name}": sorted(path.glob("*.png")) for path in folders}


def _counted(pieces: Iterable[NDArray[np.uint8]], total: int, name: str, report: Report) -> Iterator[NDArray[np.uint8]]:
    done = 0
    for piece in pieces:
        yield piece
        done += len(piece)
        report(done, total, f"preparing {name}")
