"""Own images for training: a zip of class folders becomes a data set; its split is shown before anything is written."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import streamlit as st

from app.shared import page, study_cache
from lambda_core.data import SUFFIXES, find_splits, import_folder
from lambda_core.errors import DataError
from lambda_core.system import first_line

MOST_FILES, MOST_BYTES = 20_000, 1 << 30  # unpacked
LARGEST_ZIP = 200  # MB
SHARES = {"val": 0.2, "test": 0.2, "seed": 0}


def show() -> None:
    """Folded away until it is wanted."""
    with st.expander("Bring your own images", icon=":material/folder_zip:"):
        st.caption(
            "A zip with a folder of images for each class, or with train, val and test folders of such. "
            "It stays on this server."
        )
        file = st.file_uploader("Zip", ["zip"], key="import-zip", max_upload_size=LARGEST_ZIP)
        name = st.text_input("Name of the data set", "my-images", max_chars=64, key="import-name")
        if file is not None:
            with page.guarded(), unpacked(file) as folder:
                _offer(folder, name)


def _offer(folder: Path, name: str) -> None:
    """The split as it would be, and the button that makes it so."""
    for split, classes in find_splits(folder, **SHARES).items():  # type: ignore[arg-type]
        images = sum(len(paths) for paths in classes.values())
        st.markdown(f"**{split}**: {len(classes)} classes, {images} images: {', '.join(classes)}")
    if st.button("Import", type="primary", icon=":material/download_done:", key="import-button"):
        import_folder(folder, name, **SHARES)  # type: ignore[arg-type]
        study_cache.data_sets.clear()
        st.success(
            f"The data set {name} is ready: choose it below to train on it, or under Sweep, as Images, to measure a "
            "model that is trained already.",
            icon=":material/check_circle:",
        )


@contextmanager
def unpacked(file: IO[bytes]) -> Iterator[Path]:
    """The images of a zip in a folder of their own for the moment. Raises DataError for what is no such zip."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(file) as packed:
                unpack(packed, Path(scratch))
        except DataError:
            raise
        except Exception as error:  # bytes from anywhere make zipfile and its decoders raise nearly anything
            raise DataError(f"this is no zip that can be read ({first_line(error)})") from error
        yield home(Path(scratch))


def unpack(packed: zipfile.ZipFile, folder: Path) -> None:
    """The images, under their last folders' names; whatever else it holds, links and outside paths too, stays out."""
    images = [entry for entry in packed.infolist() if _is_image(entry)]
    if len(images) > MOST_FILES or sum(entry.file_size for entry in images) > MOST_BYTES:
        raise DataError(f"the zip is too large: at most {MOST_FILES:,} images and {MOST_BYTES >> 20} MB unpacked")
    for entry in images:
        packed.extract(entry, folder)


def _is_image(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    inside = not path.is_absolute() and ".." not in path.parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return inside and not hidden and not entry.is_dir() and path.suffix.lower() in SUFFIXES


def home(folder: Path) -> Path:
    """The folder that holds the classes: a zip often has one folder around them all."""
    inside = [path for path in folder.iterdir() if path.is_dir()]
    deeper = len(inside) == 1 and any(path.is_dir() for path in inside[0].iterdir())
    return home(inside[0]) if deeper else folder
