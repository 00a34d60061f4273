"""Who races, and what runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.selection.candidates import Candidate, OneSplit, candidate_index, candidates_of, episode_matrix
from lambda_core.selection.paired_tests import Floats
from lambda_core.selection.speed import Axis, zone_of

# (candidates, episode indices) → accuracies 0 to 1, (candidates, episodes): replay from a table or run live
Runner = Callable[[Sequence[Candidate], range], Floats]


@dataclass(frozen=True, eq=False)
class Entrants:
    """Who races: candidates with their cost (any unit), and the row of the reference among them.

    zone: the share by which a cost may exceed the least and still tie with it. allowed: which of them may be chosen,
    (candidates,); None: all.
    """

    candidates: list[Candidate]
    cost: Floats
    reference: int
    zone: float = 0.0
    allowed: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls,
        candidates: pd.DataFrame,
        speed_up: Floats,
        reference: int,
        axis: Axis,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Entrants:
        """candidates: pattern, steps, lr. speed_up: by `axis`, (candidates,); infinite where nothing is spent."""
        return cls(candidates_of(candidates), 1 / speed_up, reference, zone_of(axis), allowed)

    @property
    def fits(self) -> NDArray[np.bool_]:
        """(candidates,): `allowed`, where it says anything."""
        return np.ones(len(self.candidates), dtype=bool) if self.allowed is None else self.allowed

    @property
    def rivals(self) -> NDArray[np.bool_]:
        """(candidates,): those that may take the place of the reference. Where it is not allowed, dearer ones may, too.

        Known before any accuracy is seen, so only they need a correction.
        """
        others: NDArray[np.bool_] = np.arange(len(self.candidates)) != self.reference
        if self.fits[self.reference]:
            others &= self.cost < self.cost[self.reference]
        return self.fits & others


def replay(accuracy: OneSplit) -> Runner:
    """A runner that reads one split of measured accuracies; SelectionError for a candidate that it lacks."""
    candidates, matrix = episode_matrix(accuracy)

    @cache
    def row_of(candidate: Candidate) -> int:
        return candidate_index(candidates, candidate)

    def run(candidates: Sequence[Candidate], episodes: range) -> Floats:
        return matrix[[row_of(candidate) for candidate in candidates]][:, episodes.start : episodes.stop]

    return run
