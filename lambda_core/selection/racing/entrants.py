"""Who races, and what runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd

from lambda_core.selection.candidates import Candidate, candidate_index, candidates_of, episode_matrix
from lambda_core.selection.costs import cost_and_spread
from lambda_core.selection.paired_tests import Floats

# (candidates, episode indices) → accuracies 0 to 1, (candidates, episodes): replay from a table or run live
Runner = Callable[[Sequence[Candidate], range], Floats]


@dataclass(frozen=True, eq=False)
class Entrants:
    """Who races: candidates with their cost and its spread (any unit), and the row of the reference among them."""

    candidates: list[Candidate]
    cost: Floats
    spread: Floats
    reference: int

    @classmethod
    def of(cls, candidates: pd.DataFrame, axis: str, reference: int) -> Entrants:
        """candidates: pattern, steps, lr, multiply_adds; for times also milliseconds and their quartiles."""
        return cls(candidates_of(candidates), *cost_and_spread(candidates, axis), reference)


def replay(accuracy: pd.DataFrame) -> Runner:
    """A runner that reads one split of a measured accuracy table; SelectionError for a candidate that it lacks."""
    candidates, matrix = episode_matrix(accuracy)

    @cache
    def row_of(candidate: Candidate) -> int:
        return candidate_index(candidates, candidate)

    def run(candidates: Sequence[Candidate], episodes: range) -> Floats:
        return matrix[[row_of(candidate) for candidate in candidates]][:, episodes.start : episodes.stop]

    return run
