"""A piece of work in equal parts, for machines that share nothing or one folder; chunks of a sweep brought together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from lambda_core.errors import ConfigError, StudyError
from lambda_core.measurement.sweep_chunks import Chunk, Claim, chunks_of, folder_of_chunks

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Part:
    """Part `number` of `of`, counted from 1; 1 of 1 is the whole. Raises ConfigError for a part that there is not."""

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise ConfigError(f"a part is one of 1/N to N/N, such as 3/8, not {self}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of such as `3/8`. Raises ConfigError."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        if found is None:
            raise ConfigError(f"a part is one of 1/N to N/N, such as 3/8, not {text[:40]!r}")
        return cls(int(found[1]), int(found[2]))

    @property
    def is_whole(self) -> bool:
        return self.of == 1

    def share(self, pieces: Sequence[Piece]) -> Sequence[Piece]:
        """Those of `pieces` that are this part's: every `of`-th, so that parts are even."""
        return pieces[self.number - 1 :: self.of]

    def in_turn(self, pieces: Sequence[Piece]) -> list[Piece]:
        """All of `pieces`: this part's first, then the others', last ones first and each part from a place of its own,
        so that what a lost or slow one left is taken over with little made twice.
        """
        others = [piece for place, piece in enumerate(pieces) if place % self.of != self.number - 1][::-1]
        start = (self.number - 1) * len(others) // self.of
        return [*self.share(pieces), *others[start:], *others[:start]]

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Part()


def gather(study_folder: Path, others: Sequence[Path], fingerprint: str) -> Claim:
    """Copy into a study all chunks of its sweep that lie in `others`; returns what the sweep was asked for.

    others: copies of the study, or their folders of chunks, in any order. fingerprint: of the study's weights and data.
    Raises StudyError where a folder holds no chunks, those of other weights, data or settings, or other numbers for the
    same episodes.
    """
    home = folder_of_chunks(study_folder)
    places = [_place(folder) for folder in others]
    claims = {place: claim for place in [home, *places] if (claim := Claim.read(place))}
    if not claims:
        raise StudyError(f"{study_folder} holds no parts of a sweep; make them with: lambda-core sweep --part 1/8 …")
    asked = next(iter(claims.values()))
    whole = Claim(asked.config, fingerprint, max(claim.episodes for claim in claims.values()))
    for place, claim in claims.items():
        if other := whole.other(claim):
            raise StudyError(f"{place} holds parts of another sweep, of {other}: leave it out, or sweep them anew")
    episodes = whole.settings.episodes  # what is no sweep is refused before the study takes it over
    whole.take(home)
    for chunk in chunks_of(home, episodes):
        _bring(chunk, places)
    return whole


def _place(folder: Path) -> Path:
    for place in (folder, folder_of_chunks(folder)):
        if (place / "sweep.json").is_file():
            return place
    raise StudyError(f"{folder} holds no parts of a sweep: name a copy of the study in which parts were swept")


def _bring(chunk: Chunk, places: Sequence[Path]) -> None:
    """Copy a chunk from where it lies; where it lies twice, both must agree."""
    found = [each for each in map(chunk.within, places) if each.is_there]
    if found and not chunk.is_there:
        chunk.write(found[0].read())
    for other in found:
        if not other.read().equals(chunk.read()):
            raise StudyError(
                f"{chunk} differ between {other.folder} and another folder: machines that compute other numbers do not "
                "fit together; leave one out"
            )


def refuse_missing(chunks: Sequence[Chunk]) -> None:
    """Raises StudyError that says how many chunks are not there, and which is the first."""
    missing = [chunk for chunk in chunks if not chunk.is_there]
    if missing:
        raise StudyError(
            f"{len(missing)} of {len(chunks)} parts are not there yet, the first of them {missing[0]}; what is there "
            "was kept: bring or sweep the others, and merge again"
        )
