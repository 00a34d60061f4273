"""The accuracies of a study in memory: a number an adaptation where the rows are in the order of a sweep.

A sweep writes split by split, episode by episode, and in each episode every candidate, always in one order. Then
pattern, steps and step size are told once a candidate, and the episode once for all of them: a third of what the rows
take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.selection import Scores, candidate_table, scores_of
from lambda_core.studies.tables.files import opened, rows_of_split

KEYS = ("pattern", "steps", "lr")
SCORES = ("accuracy", "loss")
Cells: TypeAlias = NDArray[Any] | pd.Categorical


@dataclass(frozen=True, eq=False)
class Swept:
    """An accuracy table in the order of a sweep.

    keys: pattern, steps, lr; a row a candidate. blocks: split and episode; a row an episode, those of a split together.
    accuracy, loss: (episodes of all splits, candidates).
    """

    keys: pd.DataFrame
    blocks: pd.DataFrame
    accuracy: NDArray[Any]
    loss: NDArray[Any]

    def __len__(self) -> int:
        return self.accuracy.size

    def frame(self) -> pd.DataFrame:
        """A row an adaptation, made anew at each call."""
        return self._rows(0, len(self.blocks))

    def split(self, name: str) -> pd.DataFrame:
        """The rows of `frame` of one split, made anew at each call."""
        return self._rows(*self._place(name))

    def scores(self, name: str) -> Scores:
        """One split's accuracies, not copied."""
        first, end = self._place(name)
        return Scores(self._candidates, self.blocks["episode"].to_numpy()[first:end], self.accuracy[first:end])

    @cached_property
    def _candidates(self) -> pd.DataFrame:
        return candidate_table(self.keys)

    def _place(self, split: str) -> tuple[int, int]:
        found = np.flatnonzero(self.blocks["split"] == split)
        return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 0)

    def _rows(self, first: int, end: int) -> pd.DataFrame:
        blocks, count = self.blocks.iloc[first:end], len(self.keys)
        of_block = {name: _repeated(blocks[name].array, lambda cells: np.repeat(cells, count)) for name in blocks}
        of_candidate = {
            name: _repeated(self.keys[name].array, lambda cells: np.tile(cells, end - first)) for name in KEYS
        }
        scores = {name: getattr(self, name)[first:end].reshape(-1).copy() for name in SCORES}
        columns = {"split": of_block["split"], **of_candidate, "episode": of_block["episode"], **scores}
        return pd.DataFrame(columns, index=pd.RangeIndex(first * count, end * count), copy=False)


@dataclass(frozen=True, eq=False)
class Loose:
    """An accuracy table in any other order, kept as it is."""

    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def frame(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def split(self, name: str) -> pd.DataFrame:
        """Its rows of one split."""
        return rows_of_split(self.table, name)

    def scores(self, name: str) -> Scores:
        """One split's accuracies. Raises SelectionError where its candidates have other episodes."""
        return scores_of(self.split(name))

    @property
    def keys(self) -> pd.DataFrame:
        """Pattern, steps and lr of every candidate, more than once each."""
        return self.table[list(KEYS)]

    @property
    def blocks(self) -> pd.DataFrame:
        """Split and episode of every one, more than once each."""
        return self.table[["split", "episode"]]


Accuracies: TypeAlias = Swept | Loose


def read_accuracies(folder: Path, content: bytes) -> Accuracies:
    """The table `accuracy.parquet` of this content; raises StudyError as `read_table` does."""
    with opened(folder, "accuracy", content) as table:
        return _as_swept(table.column) or Loose(
            pd.DataFrame({name: table.column(name) for name in table.columns}, copy=False)
        )


def accuracies_of(frame: pd.DataFrame) -> Accuracies:
    """The same of a table that was made otherwise, in the dtypes of the schema."""
    return _as_swept(lambda name: frame[name].array) or Loose(frame)


def _as_swept(column: Callable[[str], Any]) -> Swept | None:
    """None in another order. Column by column: of those that are told once, no two are there at once."""
    episode = np.asarray(column("episode"))
    count = int((episode != episode[0]).argmax())  # candidates an episode
    if count == 0 or len(episode) % count:
        return None
    del episode
    blocks = _told_once(("split", "episode"), column, lambda cells: cells.reshape(-1, count).T)
    if blocks is None or not _is_whole(blocks):
        return None
    keys = _told_once(KEYS, column, lambda cells: cells.reshape(-1, count))
    if keys is None or keys.duplicated().any():
        return None
    accuracy, loss = (np.asarray(column(name)).reshape(-1, count) for name in SCORES)
    return Swept(keys, blocks, accuracy, loss)


def _told_once(
    names: Sequence[str], column: Callable[[str], Any], lines: Callable[[NDArray[Any]], NDArray[Any]]
) -> pd.DataFrame | None:
    """The first of the lines that each column is made of; None where they differ or something is missing."""
    firsts = (_first_line(column(name), lines) for name in names)
    found = dict(zip(names, takewhile(lambda first: first is not None, firsts), strict=False))
    return pd.DataFrame(found, copy=False) if len(found) == len(names) else None


def _first_line(values: Any, lines: Callable[[NDArray[Any]], NDArray[Any]]) -> Cells | None:
    words = isinstance(values, pd.Categorical)
    cells = lines(values.codes if words else np.asarray(values))
    first: NDArray[Any] = cells[0].copy()
    if (cells != first).any() or (words and first.min() < 0):
        return None
    return pd.Categorical.from_codes(first, values.categories) if words else first


def _is_whole(blocks: pd.DataFrame) -> bool:
    """Whether the episodes of a split lie together, each once, and there are two at least."""
    split = blocks["split"].cat.codes.to_numpy()
    _, counts = np.unique(split, return_counts=True)
    together = np.count_nonzero(split[1:] != split[:-1]) == len(counts) - 1
    return bool(together and not blocks.duplicated().any() and (counts >= 2).all())


def _repeated(values: Any, repeat: Callable[[NDArray[Any]], NDArray[Any]]) -> Cells:
    if isinstance(values, pd.Categorical):
        return pd.Categorical.from_codes(repeat(values.codes), values.categories)
    return repeat(np.asarray(values))
