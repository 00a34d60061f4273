"""Racing: episodes are spent where they decide. The fastest candidate shown to stay within a threshold, for fewer runs.

Candidates run in order of cost, the fastest few at a time, and are looked at after 1/32, 1/16, … 1/2 and all of the
episodes. One that passes ends the race of every slower one; one that is unlikely to pass any more is dropped.

The error rate under repeated looks: a spending function (Lan and DeMets 1983, Biometrika 70:659; the power family of
Kim and DeMets 1987, Biometrika 74:149) gives each look its share of 1 − confidence, (share of episodes)³ less what
came before. A candidate's p value is the least of its looks' p values, each divided by its look's share: a weighted
Bonferroni bound, so valid whichever looks are taken. Over candidates Holm (1979) corrects, as in an exhaustive
selection. Dropping only raises p values (stochastic curtailment: Lan, Simon and Halperin 1982), so it costs power at
most, never the promise. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from lambda_core.errors import SelectionError
from lambda_core.formatting import interval, percent, times
from lambda_core.patterns import describe_pattern
from lambda_core.selection.candidates import Candidate, episode_matrix
from lambda_core.selection.choice import Confirmation, single_test
from lambda_core.selection.comparison import Comparison
from lambda_core.selection.costs import ratio
from lambda_core.selection.paired_tests import Floats, PairedDifference, check_confidence, check_threshold, holm
from lambda_core.selection.sentences import describe_loss
from lambda_core.selection.verdicts import fastest

HALVINGS = 5


FEWEST = 8  # episodes before the first look


BATCH = 16  # candidates that run side by side


FUTILITY = 0.02  # a candidate less likely than this to pass in the end is dropped


# (candidates, episode indices) → accuracies 0 to 1, (candidates, episodes): replay from a table or run live
Runner = Callable[[Sequence[Candidate], range], Floats]


@dataclass(frozen=True, eq=False)
class Entrants:
    """Who races: candidates with their cost and its spread (any unit), and which of them is the reference."""

    candidates: list[Candidate]
    cost: Floats
    spread: Floats
    reference: int

    @classmethod
    def of(cls, candidates: pd.DataFrame, axis: str, reference: int) -> Entrants:
        """candidates: pattern, steps, lr, multiply_adds; for times also milliseconds and their quartiles."""
        each = [Candidate(str(p), int(s), float(lr)) for p, s, lr in candidates[["pattern", "steps", "lr"]].to_numpy()]
        cost, spread = candidates[axis].to_numpy(float), np.zeros(len(each))
        if axis != "multiply_adds":  # counted, not measured
            spread = (candidates[f"{axis}_high"] - candidates[f"{axis}_low"]).to_numpy(float)
        return cls(each, cost, spread, reference)


@dataclass(frozen=True, eq=False)
class Race:
    """The winner (the reference if nothing faster is shown to pass) and what it cost to find.

    adaptations: one candidate on one episode counts one, the reference's too; exhaustive: what a full sweep spends.
    table: pattern, steps, lr, speed_up, episodes (seen), degradation (points, over those), p_adjusted, outcome
    (pass | dropped | undecided | not needed | reference), fastest first.
    """

    chosen: Candidate
    speed_up: float
    threshold: float
    confidence: float
    reference: Candidate
    adaptations: int
    exhaustive: int
    table: pd.DataFrame

    @property
    def share(self) -> float:
        """Adaptations spent, of those of an exhaustive sweep."""
        return self.adaptations / self.exhaustive

    @property
    def is_reference(self) -> bool:
        return self.chosen == self.reference

    def as_dict(self) -> dict[str, Any]:
        """Everything but the table, fit for JSON: an infinite speed-up is null."""
        speed_up = self.speed_up if math.isfinite(self.speed_up) else None
        counts = {"adaptations": self.adaptations, "exhaustive": self.exhaustive}
        return vars(self.chosen) | {"speed_up": speed_up, "threshold": self.threshold, **counts}

    def words(self, seen: Confirmation, layers: Sequence[str], rival: dict[str, Any] | None = None) -> str:
        """What was chosen, what the test classes say, what it cost, and the exhaustive choice where there is one."""
        what = "nothing faster passes: " if self.is_reference else ""
        candidate = (
            f"{self.chosen.pattern} for {self.chosen.steps} steps ({describe_pattern(self.chosen.pattern, layers)})"
        )
        loss = describe_loss(seen.degradation, seen.low, seen.high, self.confidence)
        spent = f"{self.adaptations:,} of {self.exhaustive:,} adaptations ({percent(round(self.share, 3))})"
        lines = [f"{what}{candidate}: {times(self.speed_up)}; on test classes {loss}, {seen.verdict}. Spent: {spent}."]
        if rival:
            other = f"{rival['pattern']} for {rival['steps']} steps, {times(rival['speed_up'])}"
            gap = f"{interval(rival['difference_low'], rival['difference_high'])} points from the race's"
            lines.append("The exhaustive choice is the same." if rival["same"] else
                         f"The exhaustive choice is {other}, {gap}.")  # fmt: skip
        return "\n".join(lines)


def race(entrants: Entrants, runner: Runner, episodes: int, threshold: float, confidence: float = 0.95) -> Race:
    """The fastest candidate whose degradation is shown to be at most `threshold` points.

    episodes: the most that any candidate sees.

    The chance of choosing one that is truly worse stays below 1 − confidence. Raises SelectionError.
    """
    check_threshold(threshold)
    check_confidence(confidence)
    if episodes < FEWEST:
        raise SelectionError(f"a race needs at least {FEWEST} episodes, not {episodes}")
    state = _RaceState(entrants, runner, episodes, threshold, 1 - confidence)
    while len(next_batch := state.next_batch()):
        state.run(next_batch)
    best = state.leader()
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


def replay(accuracy: pd.DataFrame) -> Runner:
    """A runner that reads one split of a measured accuracy table."""
    candidates, matrix = episode_matrix(accuracy)
    keys = [(str(p), int(s), float(lr)) for p, s, lr in candidates[["pattern", "steps", "lr"]].to_numpy()]
    place = {key: row for row, key in enumerate(keys)}

    def run(candidates: Sequence[Candidate], episodes: range) -> Floats:
        rows = [place[(candidate.pattern, candidate.steps, candidate.lr)] for candidate in candidates]
        return matrix[rows][:, episodes.start : episodes.stop]

    return run


def confirm_race(result: Race, runner: Runner, episodes: int) -> Confirmation:
    """One uncorrected look at the winner on other classes; the runner is that of those classes."""
    chosen, reference = runner([result.chosen, result.reference], range(episodes))
    return single_test(chosen, reference, result.threshold, result.confidence)


def against_exhaustive(result: Race, comparison: Comparison, runner: Runner) -> dict[str, Any]:
    """The exhaustive selection's choice on the same table, and whether the race's differs from it significantly.

    Returns pattern, steps, lr, speed_up, same, and difference_low/high: its accuracy less the race's, in points, at
    the race's confidence over all episodes; agrees: the same, or an interval that holds 0.
    """
    choice = comparison.choose(result.threshold, result.confidence)
    other = Candidate(choice.pattern, choice.steps, choice.lr)
    theirs, ours = runner([other, result.chosen], range(choice.episodes))
    paired = PairedDifference.of(100 * (theirs - ours)[None])
    half = float(paired.half_width(result.confidence)[0])
    low, high = float(paired.mean[0]) - half, float(paired.mean[0]) + half
    same = other == result.chosen
    return vars(other) | {
        "speed_up": choice.speed_up,
        "same": same,
        "difference_low": low,
        "difference_high": high,
        "agrees": same or low <= 0 <= high,
    }


def looks(episodes: int) -> list[int]:
    """After how many episodes a candidate is looked at."""
    return sorted({max(FEWEST, -(-episodes // 2**halving)) for halving in range(HALVINGS + 1)})


def alpha_spending(episodes: int) -> Floats:
    """Each look's share of the error rate, 1 in all: next to nothing on few episodes, where a t test is least sure."""
    spent = (np.array(looks(episodes)) / episodes) ** 3
    return np.diff(spent, prepend=0.0)


class _RaceState:
    """The state of a race: accuracies seen so far, p values, who has dropped out."""

    def __init__(self, entrants: Entrants, runner: Runner, episodes: int, threshold: float, level: float) -> None:
        self.entrants, self.runner, self.episodes = entrants, runner, episodes
        self.threshold, self.level = threshold, level
        self.looks, self.alpha_spending = looks(episodes), alpha_spending(episodes)
        count = len(entrants.candidates)
        self.accuracy = np.full((count, episodes), np.nan)
        self.seen = np.zeros(count, dtype=int)
        self.degradation = np.zeros(count)  # points, over what each candidate has seen
        self.p = np.ones(count)
        # fixed by cost before any accuracy is seen, so only these need a correction
        self.rivals = entrants.cost < entrants.cost[entrants.reference]
        self.dropped = np.zeros(count, dtype=bool)

    def next_batch(self) -> NDArray[np.int64]:
        """The fastest candidates that may still win, BATCH at most."""
        leader, cost, spread = self.leader(), self.entrants.cost, self.entrants.spread
        faster = cost[leader] - cost > (spread + spread[leader]) / 2
        open_ = self.rivals & faster & ~self.dropped & ~self.passed() & (self.seen < self.episodes)
        return np.flatnonzero(open_)[np.argsort(cost[open_], kind="stable")][:BATCH]

    def run(self, next_batch: NDArray[np.int64]) -> None:
        """Each of these candidates on to its next look, and what that says of it."""
        before = self.seen[next_batch]
        for look, (start, end) in enumerate(pairwise([0, *self.looks])):
            group = next_batch[before == start]
            if len(group):
                self._see(np.append(group, self.entrants.reference), end)
                self._judge(group, look)

    def passed(self) -> NDArray[np.bool_]:
        return self.adjusted() <= self.level

    def adjusted(self) -> Floats:
        adjusted = np.ones(len(self.p))
        adjusted[self.rivals] = holm(self.p[self.rivals])
        return adjusted

    def leader(self) -> int:
        """The candidate that would be chosen now."""
        return fastest(
            self.passed(), self.entrants.cost, self.entrants.spread, -self.degradation, self.entrants.reference
        )

    def table(self) -> pd.DataFrame:
        passed, seen = self.passed(), self.seen
        outcome = np.select(
            [np.arange(len(seen)) == self.entrants.reference, passed, self.dropped, seen == self.episodes],
            ["reference", "pass", "dropped", "undecided"],
            "not needed",
        )
        table = pd.DataFrame([vars(candidate) for candidate in self.entrants.candidates]).assign(
            speed_up=ratio(self.entrants.cost[self.entrants.reference], self.entrants.cost),
            episodes=seen,
            degradation=np.where(seen > 0, self.degradation, np.nan),
            p_adjusted=self.adjusted(),
            outcome=outcome,
        )
        return table.iloc[np.argsort(self.entrants.cost, kind="stable")].reset_index(drop=True)

    def _see(self, candidates: NDArray[np.int64], end: int) -> None:
        """Run each candidate on the episodes up to `end` that it has not seen."""
        for start in np.unique(self.seen[candidates]):
            group = candidates[self.seen[candidates] == start]
            if start < end:
                asked = [self.entrants.candidates[candidate] for candidate in group]
                self.accuracy[group, start:end] = self.runner(asked, range(int(start), end))
        self.seen[candidates] = np.maximum(self.seen[candidates], end)

    def _judge(self, candidates: NDArray[np.int64], look: int) -> None:
        n = self.looks[look]
        paired = PairedDifference.of(100 * (self.accuracy[self.entrants.reference, :n] - self.accuracy[candidates, :n]))
        self.degradation[candidates] = paired.mean
        # a few equal differences do not show that none differs; all episodes are taken as they are
        sure = (paired.error > 0) | (n == self.episodes)
        p = np.where(sure, paired.p_at_most(self.threshold), 1.0)
        self.p[candidates] = np.minimum(self.p[candidates], p / self.alpha_spending[look])
        self.dropped[candidates] = self._is_futile(paired) & ~self.passed()[candidates]

    def _is_futile(self, paired: PairedDifference) -> NDArray[np.bool_]:
        """Whose predicted chance to pass at the last look, given what was seen so far, is below FUTILITY."""
        n, total = paired.episodes, self.episodes
        if n == total:
            return np.zeros(len(paired.mean), dtype=bool)
        left = max(1, int(self.rivals.sum() - self.passed().sum()))
        margin = -float(stdtrit(total - 1, self.level * self.alpha_spending[-1] / left))
        deviation = np.where(paired.error > 0, paired.error, np.inf) * np.sqrt(n)
        with np.errstate(invalid="ignore"):
            ahead = (self.threshold - paired.mean) / deviation - margin / np.sqrt(total)
        chance = stdtr(n - 1, ahead / np.sqrt(1 / n - 1 / total))
        futile: NDArray[np.bool_] = (paired.error > 0) & (chance < FUTILITY)
        return futile
