"""Entrants and runners of known truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lambda_core.selection import Candidate, Entrants, Runner


def entrants_of(count: int) -> Entrants:
    """Candidates of cost 1, 2, …; the last one is the reference."""
    candidates = [Candidate(f"{number:b}", 1, 0.1) for number in range(count)]
    return Entrants(candidates, np.arange(1.0, count + 1), count - 1)


def runner_of(degradation: NDArray[np.float64], calls: list[tuple[int, int]] | None = None) -> Runner:
    """Accuracies that lie `degradation` points (candidates, episodes) below one half. calls: (candidates, episodes)."""

    def run(candidates: Sequence[Candidate], episodes: range) -> NDArray[np.float64]:
        if calls is not None:
            calls.append((len(candidates), len(episodes)))
        rows = [int(candidate.pattern, 2) for candidate in candidates]
        return 0.5 - degradation[rows][:, episodes.start : episodes.stop] / 100

    return run
