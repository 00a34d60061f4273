"""Candidates: pattern × steps × step size, and the table of their accuracies episode by episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def episode_matrix(accuracy: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """One split's accuracy table as (candidates, matrix).

    candidates: columns pattern, steps, lr; one row a candidate, in order of first appearance.
    matrix: (candidates, episodes) float64, accuracy 0 to 1; a column is one episode.
    Raises SelectionError for NaN, unequal or doubled episodes, fewer than two episodes, or several splits.
    """
    _check_one_split(accuracy)
    codes = _candidate_codes(accuracy)
    candidate, first = _numbered(codes)
    episode, _ = _numbered(accuracy["episode"].to_numpy())
    shape = (len(first), int(episode.max()) + 1)
    cells = candidate * shape[1] + episode
    candidates = accuracy[KEYS].iloc[first].reset_index(drop=True).astype({"pattern": "str", "steps": int})
    # the shortest decimal of a float32: 0.05, not 0.05000000074505806
    candidates["lr"] = [float(str(lr)) for lr in candidates["lr"].to_numpy(np.float32)]
    _check_cells(np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape), candidates)
    values = accuracy["accuracy"].to_numpy(np.float64)
    if not np.isfinite(values).all():
        raise SelectionError("an accuracy is NaN or infinite; measure this study again")
    matrix = np.empty(shape)
    matrix.reshape(-1)[cells] = values
    return candidates, matrix


def own_step_size(candidates: pd.DataFrame, lr: float | None = None) -> float:
    """The study's own inner step size: `lr` if given, else the only one, else that of the "no adaptation" row."""
    if lr is not None:
        return lr
    found = candidates["lr"].unique()
    if len(found) > 1:
        found = candidates.loc[candidates["steps"] == 0, "lr"].unique()
    if len(found) != 1:
        raise SelectionError("the accuracy table has several step sizes; say which is the study's own (lr)")
    return float(found[0])


def candidate_index(candidates: pd.DataFrame, pattern: str, steps: int, lr: float) -> int:
    """The row of a candidate; SelectionError if it was not measured. Step sizes are compared as float32."""
    fits = (candidates["pattern"] == pattern) & (candidates["steps"] == steps) & np.isclose(candidates["lr"], lr)
    rows = np.flatnonzero(fits)
    if not len(rows):
        raise SelectionError(f"the accuracy table has no pattern {pattern} at {steps} steps with step size {lr:.4g}")
    return int(rows[0])


def _candidate_codes(accuracy: pd.DataFrame) -> NDArray[Any]:
    pattern, steps, lr = (pd.factorize(accuracy[key])[0].astype(np.int64) for key in KEYS)
    if min(pattern.min(), steps.min(), lr.min()) < 0:
        raise SelectionError("a pattern, step count or step size is missing in the accuracy table")
    codes: NDArray[np.int64] = (pattern * (steps.max() + 1) + steps) * (lr.max() + 1) + lr
    return codes


def _numbered(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each value's number by order of first appearance, and the row where each number first appears."""
    numbers, uniques = pd.factorize(values)
    first = np.full(len(uniques), len(values), dtype=np.int64)
    np.minimum.at(first, numbers, np.arange(len(values)))
    return numbers.astype(np.int64), first


def _check_one_split(accuracy: pd.DataFrame) -> None:
    if accuracy.empty:
        raise SelectionError("the accuracy table has no rows for this split; lambda-core sweep makes them")
    if "split" in accuracy and accuracy["split"].nunique() > 1:
        found = ", ".join(sorted(map(str, accuracy["split"].unique())))
        raise SelectionError(f"the accuracy table mixes the splits {found}; give one, such as split == 'val'")


def _check_cells(counts: NDArray[np.int64], candidates: pd.DataFrame) -> None:
    if (counts != 1).any():
        row = int((counts != 1).any(axis=1).argmax())
        pattern, steps, lr = candidates.iloc[row]
        what = "has an episode twice" if (counts[row] > 1).any() else "lacks an episode that others have"
        raise SelectionError(f"pattern {pattern} at {steps} steps, lr {lr:g}, {what}; all need the same episodes")
    if counts.shape[1] < 2:
        raise SelectionError("one episode shows no spread; at least 2 are needed, 600 are usual")
