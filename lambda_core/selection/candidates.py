"""Candidates: pattern × steps × step size, and the table of their accuracies episode by episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.errors import SelectionError
from lambda_core.selection.paired_tests import Floats

KEYS = ["pattern", "steps", "lr"]


@dataclass(frozen=True)
class Candidate:
    """What is chosen among: pattern text, inner steps, inner step size."""

    pattern: str
    steps: int
    lr: float

    @property
    def step_size(self) -> float | tuple[float, ...]:
        """One for all layers, or one a layer."""
        return self.lr

    def is_same(self, other: Candidate) -> bool:
        """Whether the two are one candidate, their step sizes being the same by `same_step_size`."""
        alike = (self.pattern, self.steps) == (other.pattern, other.steps)
        return alike and bool(same_step_size(self.lr, other.lr))


@dataclass(frozen=True)
class LayerwiseCandidate(Candidate):
    """A candidate that takes a multiple of its step size in each layer: one factor a layer."""

    factors: tuple[float, ...]

    @property
    def step_size(self) -> tuple[float, ...]:
        """One a layer."""
        return tuple(self.lr * factor for factor in self.factors)


class OfCandidate:
    """What is said of one candidate: its pattern, steps and step size by name."""

    candidate: Candidate

    @property
    def pattern(self) -> str:
        return self.candidate.pattern

    @property
    def steps(self) -> int:
        return self.candidate.steps

    @property
    def lr(self) -> float:
        return self.candidate.lr


def same_step_size(lr: Any, other: float) -> NDArray[np.bool_]:
    """Where step sizes are the same: up to the rounding of float32, which tables keep. Sweeps tell them to 4 figures.

    lr: one step size or an array of them.
    """
    alike: NDArray[np.bool_] = np.isclose(np.asarray(lr, dtype=float), other, rtol=1e-5, atol=0)
    return alike


def candidates_of(table: pd.DataFrame) -> list[Candidate]:
    """The rows of a table (pattern, steps, lr) as values."""
    rows = zip(*(table[key] for key in KEYS), strict=True)
    return [Candidate(str(pattern), int(steps), float(lr)) for pattern, steps, lr in rows]


@dataclass(frozen=True, eq=False)
class Scores:
    """One split's accuracies as they were swept: what `scores_of` makes of its table.

    candidates: columns pattern, steps, lr; one row a candidate, in order of first appearance. episodes: (episodes,)
    their numbers. values: (episodes, candidates) accuracy, 0 to 1, finite, in whatever precision they are kept.
    """

    candidates: pd.DataFrame
    episodes: NDArray[Any]
    values: NDArray[Any]

    def matrix(self, rows: Any = None) -> Floats:
        """(candidates, episodes) float64 of all candidates, or of these rows of them."""
        values = self.values if rows is None else self.values[:, rows]
        matrix: Floats = np.ascontiguousarray(values.T, dtype=np.float64)
        return matrix

    def of(self, rows: NDArray[Any]) -> Scores:
        """The same of some candidates: their rows, or a mask."""
        return Scores(self.candidates.iloc[rows].reset_index(drop=True), self.episodes, self.values[:, rows])

    def row(self, candidate: Candidate) -> Floats:
        """(episodes,) of one candidate. Raises SelectionError if it was not swept."""
        found: Floats = self.matrix([candidate_index(self.candidates, candidate)])[0]
        return found


OneSplit: TypeAlias = pd.DataFrame | Scores  # a table of accuracies, or what was made of it


def scores_of(accuracy: OneSplit) -> Scores:
    """Raises SelectionError for NaN, unequal or doubled episodes, fewer than two episodes, or several splits."""
    if isinstance(accuracy, Scores):
        _require_rows(accuracy.values.size)
        return accuracy
    _check_one_split(accuracy)
    candidates, matrix = _as_swept(accuracy) or _in_any_order(accuracy)
    return Scores(candidates, pd.unique(accuracy["episode"]), matrix.T)


def episode_matrix(accuracy: OneSplit) -> tuple[pd.DataFrame, Floats]:
    """One split's accuracy table as (candidates, matrix).

    candidates: columns pattern, steps, lr; one row a candidate, in order of first appearance.
    matrix: (candidates, episodes) float64, accuracy 0 to 1; a column is one episode.
    Raises SelectionError for NaN, unequal or doubled episodes, fewer than two episodes, or several splits.
    """
    scores = scores_of(accuracy)
    return scores.candidates, scores.matrix()


def check_episode_matrix(accuracy: pd.DataFrame) -> None:
    """Raises what `episode_matrix` raises, for less memory where the rows are in the order of a sweep."""
    _check_one_split(accuracy)
    if _candidates_an_episode(accuracy):
        _check_finite(accuracy["accuracy"].to_numpy())
    else:
        _in_any_order(accuracy)


def _as_swept(accuracy: pd.DataFrame) -> tuple[pd.DataFrame, Floats] | None:
    """`episode_matrix` of rows in the order of a sweep, which for millions of them takes no time; None for others."""
    count = _candidates_an_episode(accuracy)
    if count == 0:
        return None
    values = accuracy["accuracy"].to_numpy().reshape(-1, count)
    _check_finite(values)
    matrix = np.ascontiguousarray(values.T, dtype=np.float64)
    return candidate_table(accuracy.iloc[:count]), matrix


def _candidates_an_episode(accuracy: pd.DataFrame) -> int:
    """How many candidates, where the rows go episode by episode, each with the same candidates in one order; else 0."""
    episode = accuracy["episode"].to_numpy()
    count = int((episode != episode[0]).argmax())
    if count == 0 or len(episode) % count:
        return 0
    episodes = episode.reshape(-1, count)
    if (episodes != episodes[:, :1]).any() or len(np.unique(episodes[:, 0])) < len(episodes):
        return 0
    for key in KEYS:
        codes = _codes(accuracy[key]).reshape(-1, count)
        if (codes != codes[:1]).any() or codes[0].min() < 0:
            return 0
    return 0 if accuracy[KEYS].iloc[:count].duplicated().any() else count


def _codes(values: pd.Series) -> NDArray[Any]:
    """Numbers that are equal where the values are; words that are missing are negative, and so is NaN."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(values.cat.codes)
    numbers = np.asarray(values)
    return numbers if numbers.dtype.kind in "iuf" else _numbers_by_appearance(values)


def _in_any_order(accuracy: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    row = _numbers_of_candidates(accuracy)
    column = _numbers_by_appearance(accuracy["episode"])
    candidates = _candidate_table(accuracy, row)
    shape = (len(candidates), int(column.max()) + 1)
    cell = row * shape[1] + column
    _check_cells(np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape), candidates)
    values = accuracy["accuracy"].to_numpy(np.float64)
    _check_finite(values)
    matrix = np.empty(shape)
    matrix.reshape(-1)[cell] = values
    return candidates, matrix


def own_step_size(candidates: pd.DataFrame, lr: float | None = None) -> float:
    """The study's own inner step size: `lr` if given, else the only one, else that of the "no adaptation" row.

    Raises SelectionError where the table does not say.
    """
    if lr is not None:
        return lr
    step_sizes = candidates["lr"].unique()
    if len(step_sizes) > 1:
        step_sizes = candidates.loc[candidates["steps"] == 0, "lr"].unique()
    if len(step_sizes) != 1:
        raise SelectionError("the accuracy table has several step sizes; say which is the study's own (lr)")
    return float(step_sizes[0])


def candidate_index(candidates: pd.DataFrame, candidate: Candidate) -> int:
    """The row of a candidate in a table with columns pattern, steps, lr. Raises SelectionError if it has none."""
    pattern, steps, lr = (candidates[key].to_numpy() for key in KEYS)
    alike = (pattern == candidate.pattern) & (steps == candidate.steps) & same_step_size(lr, candidate.lr)
    rows = np.flatnonzero(alike)
    if not len(rows):
        raise SelectionError(
            f"the accuracy table has no pattern {candidate.pattern} at {candidate.steps} steps with step size "
            f"{candidate.lr:.4g}"
        )
    return int(rows[0])


def _numbers_of_candidates(accuracy: pd.DataFrame) -> NDArray[np.int64]:
    """(rows,) 0, 1, …: rows of one candidate get one number, in order of first appearance.

    Each of KEYS adds a digit to a row's code, in a base as large as that column has values.
    """
    codes = np.zeros(len(accuracy), dtype=np.int64)
    for key in KEYS:
        digits = _numbers_by_appearance(accuracy[key])
        if digits.min() < 0:
            raise SelectionError("a pattern, step count or step size is missing in the accuracy table")
        codes = codes * (digits.max() + 1) + digits
    return _numbers_by_appearance(codes)


def _numbers_by_appearance(values: pd.Series | NDArray[np.int64]) -> NDArray[np.int64]:
    """(rows,) equal values get one number, in order of first appearance; a missing one −1."""
    numbers: NDArray[np.int64] = pd.factorize(values)[0].astype(np.int64)
    return numbers


def _candidate_table(accuracy: pd.DataFrame, row: NDArray[np.int64]) -> pd.DataFrame:
    """Pattern, steps and lr at the first place of each number in `row`."""
    first = np.full(int(row.max()) + 1, len(row))
    np.minimum.at(first, row, np.arange(len(row)))
    return candidate_table(accuracy.iloc[first])


def candidate_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Pattern, steps and lr of these rows of an accuracy table, one a candidate, as `Scores` tells them."""
    candidates = rows[KEYS].reset_index(drop=True).astype({"pattern": "str", "steps": int})
    # the shortest decimal of a float32: 0.05, not 0.05000000074505806
    candidates["lr"] = [float(str(lr)) for lr in candidates["lr"].to_numpy(np.float32)]
    return candidates


def _check_one_split(accuracy: pd.DataFrame) -> None:
    _require_rows(len(accuracy))
    if "split" in accuracy and accuracy["split"].nunique() > 1:
        splits = ", ".join(sorted(map(str, accuracy["split"].unique())))
        raise SelectionError(f"the accuracy table mixes the splits {splits}; give one, such as split == 'val'")


def _require_rows(count: int) -> None:
    if not count:
        raise SelectionError("the accuracy table has no rows for this split; lambda-core sweep makes them")


def _check_finite(values: NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise SelectionError("an accuracy is NaN or infinite; measure this study again")


def _check_cells(counts: NDArray[np.int64], candidates: pd.DataFrame) -> None:
    if (counts != 1).any():
        row = int((counts != 1).any(axis=1).argmax())
        pattern, steps, lr = candidates.iloc[row]
        fault = "has an episode twice" if (counts[row] > 1).any() else "lacks an episode that others have"
        raise SelectionError(f"pattern {pattern} at {steps} steps, lr {lr:g}, {fault}; all need the same episodes")
    if counts.shape[1] < 2:
        raise SelectionError("one episode shows no spread; at least 2 are needed, 600 are usual")
