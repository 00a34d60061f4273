"""The race itself: who runs next, what each look says, who has passed or dropped out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.errors import SelectionError
from lambda_core.formatting import points
from lambda_core.selection.paired_tests import (
    Floats,
    PairedDifference,
    bonferroni,
    check_confidence,
    check_threshold,
)
from lambda_core.selection.racing.entrants import Entrants, Runner
from lambda_core.selection.racing.futility import is_futile
from lambda_core.selection.racing.looks import FEWEST, looks
from lambda_core.selection.racing.outcome import Race
from lambda_core.selection.speed import ratio
from lambda_core.selection.verdicts import fastest_that_fits

BATCH = 16  # candidates that run side by side


def race(entrants: Entrants, runner: Runner, episodes: int, threshold: float, confidence: float = 0.95) -> Race:
    """The fastest candidate whose degradation is shown to be at most `threshold` points.

    runner: runs candidates on episodes 0 … `episodes` − 1, the most that any candidate sees.
    The chance of choosing one that is truly worse stays below 1 − confidence. Raises SelectionError.
    """
    check_threshold(threshold)
    check_confidence(confidence)
    if episodes < FEWEST:
        raise SelectionError(f"a race needs at least {FEWEST} episodes, not {episodes}")
    state = RaceState(entrants, runner, episodes, threshold, 1 - confidence)
    while len(batch := state.next_batch()):
        state.run(batch)
    best = state.leader()
    if best is None:
        raise SelectionError(f"nothing that fits into the memory allowed is shown to lose at most {points(threshold)}")
    return Race(
        chosen=entrants.candidates[best],
        speed_up=float(ratio(entrants.cost[entrants.reference], entrants.cost)[best]),
        threshold=threshold,
        confidence=confidence,
        reference=entrants.candidates[entrants.reference],
        adaptations=int(state.seen.sum()),
        exhaustive=len(entrants.candidates) * episodes,
        table=state.table(),
    )


class RaceState:
    """Where a race stands: (candidates,) episodes seen, degradations, p values, and who has dropped out.

    level: the error rate, 1 − confidence. rivals: `Entrants.rivals`.
    """

    def __init__(self, entrants: Entrants, runner: Runner, episodes: int, threshold: float, level: float) -> None:
        self.entrants, self.runner, self.episodes = entrants, runner, episodes
        self.threshold, self.level = threshold, level
        self.looks = looks(episodes)
        count = len(entrants.candidates)
        self.accuracy = np.full((count, episodes), np.nan)
        self.seen = np.zeros(count, dtype=int)
        self.degradation = np.zeros(count)  # points, over what each candidate has seen
        self.high = np.full(count, np.inf)  # upper bounds of those that passed, points
        self.p = np.ones(count)
        self.rivals = entrants.rivals
        self.dropped = np.zeros(count, dtype=bool)

    def next_batch(self) -> NDArray[np.int64]:
        """The fastest candidates that may still win, BATCH at most."""
        leader, cost = self.leader(), self.entrants.cost
        faster = (1 + self.entrants.zone) * cost < (np.inf if leader is None else cost[leader])
        running = self.rivals & faster & ~self.dropped & ~self.passed() & (self.seen < self.episodes)
        return np.flatnonzero(running)[np.argsort(cost[running], kind="stable")][:BATCH]

    def run(self, batch: NDArray[np.int64]) -> None:
        """Each of these candidates on to its next look, and what that says of it."""
        before = self.seen[batch]
        for look, (start, end) in enumerate(pairwise([0, *self.looks])):
            group = batch[before == start]
            if len(group):
                self._run_up_to(end, np.append(group, self.entrants.reference))
                self._judge(group, look)

    def passed(self) -> NDArray[np.bool_]:
        return self.adjusted() <= self.level

    def adjusted(self) -> Floats:
        """The p values, corrected over the rivals; 1 for all others."""
        adjusted = np.ones(len(self.p))
        adjusted[self.rivals] = bonferroni(self.p[self.rivals])
        return adjusted

    def leader(self) -> int | None:
        """The candidate that would be chosen now; None where nothing that is allowed has passed."""
        entrants = self.entrants
        return fastest_that_fits(
            self.passed(), entrants.cost, self.high, entrants.reference, entrants.zone, entrants.fits
        )

    def table(self) -> pd.DataFrame:
        """See `Race.table`."""
        table = pd.DataFrame([vars(candidate) for candidate in self.entrants.candidates]).assign(
            speed_up=ratio(self.entrants.cost[self.entrants.reference], self.entrants.cost),
            episodes=self.seen,
            degradation=np.where(self.seen > 0, self.degradation, np.nan),
            p_adjusted=self.adjusted(),
            outcome=self._outcomes(),
        )
        return table.iloc[np.argsort(self.entrants.cost, kind="stable")].reset_index(drop=True)

    def _outcomes(self) -> NDArray[np.str_]:
        is_reference = np.arange(len(self.seen)) == self.entrants.reference
        return np.select(
            [is_reference, self.passed(), self.dropped, self.seen == self.episodes],
            ["reference", "pass", "dropped", "undecided"],
            "not needed",
        )

    def _run_up_to(self, end: int, candidates: NDArray[np.int64]) -> None:
        """Run each candidate on the episodes before `end` that it has not seen."""
        for start in np.unique(self.seen[candidates]):
            group = candidates[self.seen[candidates] == start]
            if start < end:
                values = [self.entrants.candidates[candidate] for candidate in group]
                self.accuracy[group, start:end] = self.runner(values, range(int(start), end))
        self.seen[candidates] = np.maximum(self.seen[candidates], end)

    def _judge(self, candidates: NDArray[np.int64], look: int) -> None:
        """One look at candidates that have all seen the same episodes."""
        n = self.looks[look]
        paired = PairedDifference.in_points(self.accuracy[self.entrants.reference, :n], self.accuracy[candidates, :n])
        self.degradation[candidates] = paired.mean
        self.p[candidates] = np.minimum(self.p[candidates], paired.p_at_most(self.threshold))
        alpha = self.level / max(1, int(self.rivals.sum()))
        passed = self.passed()[candidates]
        if passed.any():
            self.high[candidates[passed]] = paired.upper(alpha)[passed]
        self.dropped[candidates] = is_futile(paired, self.threshold, self.episodes, alpha) & ~passed
