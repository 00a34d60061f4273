"""What a race came to: the winner, its confirmation on other classes, and the exhaustive choice beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lambda_core.formatting import interval, percent, times
from lambda_core.patterns import describe_pattern
from lambda_core.selection.candidates import Candidate, same_step_size
from lambda_core.selection.choice import Confirmation, single_test
from lambda_core.selection.comparison import Comparison
from lambda_core.selection.paired_tests import Interval, PairedDifference
from lambda_core.selection.racing.entrants import Runner
from lambda_core.selection.sentences import describe_degradation


@dataclass(frozen=True, eq=False)
class Race:
    """The winner (the reference if nothing faster is shown to pass) and what it cost to find.

    threshold: points. adaptations: one candidate on one episode counts one, the reference's too; exhaustive: what a
    full sweep spends. table: pattern, steps, lr, speed_up, episodes (seen), degradation (points, over those),
    p_adjusted, outcome (pass | dropped | undecided | not needed | reference), fastest first.
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
        """Nothing faster passed: the full pattern itself."""
        return self.chosen.is_same(self.reference)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the table, fit for JSON: an infinite speed-up is null."""
        counts = {"adaptations": self.adaptations, "exhaustive": self.exhaustive}
        return vars(self.chosen) | {"speed_up": _finite(self.speed_up), "threshold": self.threshold, **counts}


@dataclass(frozen=True)
class ExhaustiveChoice:
    """What an exhaustive selection chooses on the same table, beside a race's winner.

    difference: accuracy of `candidate` less the winner's, points, paired over all episodes at the race's confidence.
    same: whether it is the winner.
    """

    candidate: Candidate
    speed_up: float
    same: bool
    difference: Interval

    @property
    def agrees(self) -> bool:
        """The same, or not significantly different in accuracy."""
        return self.same or self.difference.low <= 0 <= self.difference.high

    def as_dict(self) -> dict[str, Any]:
        """Flat and fit for JSON: an infinite speed-up is null."""
        low, high = self.difference.low, self.difference.high
        return vars(self.candidate) | {
            "speed_up": _finite(self.speed_up),
            "same": self.same,
            "difference_low": low,
            "difference_high": high,
            "agrees": self.agrees,
        }


def confirm_race(race: Race, runner: Runner, episodes: int) -> Confirmation:
    """The winner on other classes, the only one looked at there; the runner is that of those classes."""
    chosen, reference = runner([race.chosen, race.reference], range(episodes))
    return single_test(chosen, reference, race.threshold, race.confidence, is_reference=race.is_reference)


def against_exhaustive(
    race: Race, comparison: Comparison, runner: Runner, memory: int | None = None
) -> ExhaustiveChoice:
    """The exhaustive selection's choice at the race's threshold and confidence.

    comparison: of the table that the runner replays. memory: bytes allowed.
    """
    choice = comparison.choose(race.threshold, race.confidence, memory)
    exhaustive, raced = runner([choice.candidate, race.chosen], range(choice.episodes))
    return ExhaustiveChoice(
        candidate=choice.candidate,
        speed_up=choice.speed_up,
        same=choice.candidate.is_same(race.chosen),
        difference=PairedDifference.in_points(exhaustive, raced).interval(race.confidence),
    )


def describe_race(
    race: Race, confirmation: Confirmation, layers: Sequence[str], exhaustive: ExhaustiveChoice | None = None
) -> str:
    """What was chosen, what the test classes say, what it cost, and the exhaustive choice where there is one."""
    chosen = race.chosen
    start = "nothing faster passes: " if race.is_reference else ""
    candidate = f"{chosen.pattern} for {chosen.steps} steps ({describe_pattern(chosen.pattern, layers)})"
    if not same_step_size(chosen.lr, race.reference.lr):
        candidate += f" with a step size of {chosen.lr:.3g}"
    degradation = describe_degradation(confirmation.degradation, race.confidence)
    spent = f"{race.adaptations:,} of {race.exhaustive:,} adaptations ({percent(round(race.share, 3))})"
    sentence = (
        f"{start}{candidate}: {times(race.speed_up)}; on test classes {degradation}, {confirmation.verdict}. "
        f"Spent: {spent}."
    )
    return sentence if exhaustive is None else f"{sentence}\n{_describe_exhaustive(exhaustive)}"


def _describe_exhaustive(exhaustive: ExhaustiveChoice) -> str:
    if exhaustive.same:
        return "The exhaustive choice is the same."
    candidate, difference = exhaustive.candidate, exhaustive.difference
    choice = f"{candidate.pattern} for {candidate.steps} steps, {times(exhaustive.speed_up)}"
    return f"The exhaustive choice is {choice}, {interval(difference.low, difference.high)} points from the race's."


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
