"""One of several equal parts of a piece of work, for machines that share nothing, or one folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from lambda_core.errors import ConfigError

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
