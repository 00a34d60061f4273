"""Many image files decoded on many cores, piece by piece: a stopped import goes on where it was."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lambda_core.data.image_file import read_picture
from lambda_core.errors import BusyError, DataError
from lambda_core.system import Meter, Report, first_line, locked, spread, write_with

PIECE = 500  # images a file

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """Some image files, and what they become: size × size × channels."""

    paths: tuple[Path, ...]
    size: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self.paths), self.size, self.size, self.channels

    @property
    def identity(self) -> str:
        """A name for all that decides the pixels; a file that was changed gives another."""
        about = [(str(path), stat.st_size, stat.st_mtime_ns) for path in self.paths for stat in [path.stat()]]
        return hashlib.sha256(json.dumps([self.size, self.channels, about]).encode()).hexdigest()

    def pieces(self) -> list[Pictures]:
        """PIECE files each, in order."""
        starts = range(0, len(self.paths), PIECE)
        return [Pictures(self.paths[start : start + PIECE], self.size, self.channels) for start in starts]

    def decode(self) -> Iterator[Pixels]:
        """(size, size, channels) each. Raises DataError that names the file."""
        return (read_picture(path, self.size, self.channels) for path in self.paths)


@contextmanager
def decoded(
    pictures: Pictures, place: Path, processes: int | None = None, report: Report | None = None
) -> Iterator[Iterator[Pixels]]:
    """Yields uint8 arrays that, one after the other, make up all pictures.

    More than one piece is decoded in `processes` processes (None: one a core) into files in the folder `place`, which
    is removed at the end; stopped before, the next call takes what is there. Raises DataError, BusyError.
    """
    pieces = pictures.pieces()
    if len(pieces) < 2:
        yield pictures.decode()
        return
    with _locked(place):
        try:
            yield _read_all(_decode_all(pieces, place, processes, report))
        except OSError as error:
            raise DataError(f"{place} cannot be written: {first_line(error)}") from error
        shutil.rmtree(place, ignore_errors=True)


def forget(place: Path) -> None:
    """Remove a folder of `decoded` that nobody fills, and its lock."""
    if place.exists() or _lock_of(place).exists():
        with contextlib.suppress(BusyError), _locked(place):
            shutil.rmtree(place, ignore_errors=True)


def _locked(place: Path) -> AbstractContextManager[None]:
    return locked(_lock_of(place), f"{place} is being filled")


def _lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _decode_all(
    pieces: Sequence[Pictures], place: Path, processes: int | None, report: Report | None
) -> list[tuple[Path, Pictures]]:
    place.mkdir(parents=True, exist_ok=True)
    files = [(place / f"{piece.identity}.npy", piece) for piece in pieces]
    missing = [(file, piece) for file, piece in files if not file.exists()]
    total = sum(len(piece.paths) for piece in pieces)
    meter = Meter("images", total, report, done=total - sum(len(piece.paths) for _, piece in missing))
    for (_, piece), _ in spread(Decoder, (), missing, processes, torch=False):
        meter.advance(len(piece.paths))
    return files


class Decoder:
    """Decodes a piece into its file."""

    def __call__(self, asked: tuple[Path, Pictures]) -> None:
        file, pictures = asked
        pixels = np.stack(list(pictures.decode()))
        write_with(file, lambda part: _save(part, pixels))


def _save(path: Path, pixels: Pixels) -> None:
    with path.open("wb") as file:
        np.save(file, pixels, allow_pickle=False)


def _read_all(files: Sequence[tuple[Path, Pictures]]) -> Iterator[Pixels]:
    for file, piece in files:
        pixels = np.load(file, allow_pickle=False)
        if pixels.shape != piece.shape or pixels.dtype != np.uint8:
            raise DataError(f"{file} is no piece of this import; remove {file.parent} and import again")
        yield pixels
