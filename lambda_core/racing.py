"""Racing: episodes are spent where they decide. The fastest candidate shown to stay within a threshold, for fewer runs.

Candidates run in order of cost, a heat of the fastest at a time, and are looked at after 1/32, 1/16, … 1/2 and all of
the episodes. One that passes ends the race of every slower one; one that is unlikely to pass any more is dropped.

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

from lambda_core.costs import Axis, candidate_costs, ratio, timing_conditions, under
from lambda_core.errors import SelectionError, StudyError
from lambda_core.pairs import Floats, Paired, check_confidence, check_threshold, episode_matrix, find, holm
from lambda_core.pattern import LambdaPattern
from lambda_core.plan import count_cost
from lambda_core.select import Confirmation, Evidence, look_once, weigh
from lambda_core.study import Study
from lambda_core.verdict import fastest
from lambda_core.words import describe_loss, describe_pattern, interval, percent, times

HALVINGS = 5
FEWEST = 8  # episodes before the first look
HEAT = 16  # candidates that run side by side
HOPELESS = 0.02  # a candidate less likely than this to pass in the end is dropped


@dataclass(frozen=True)
class Arm:
    """A candidate as a runner gets it: pattern text, inner steps, inner step size."""

    pattern: str
    steps: int
    lr: float


# (arms, episode indices) → accuracies 0 to 1, (arms, episodes): replayed from a table or run live
Runner = Callable[[Sequence[Arm], range], Floats]


@dataclass(frozen=True, eq=False)
class Field:
    """Who races: arms with their cost and its spread (any unit), and which of them is the reference."""

    arms: list[Arm]
    cost: Floats
    spread: Floats
    reference: int

    @classmethod
    def of(cls, candidates: pd.DataFrame, axis: str, reference: int) -> Field:
        """candidates: pattern, steps, lr, multiply_adds; for times also milliseconds and their quartiles."""
        arms = [Arm(str(p), int(s), float(lr)) for p, s, lr in candidates[["pattern", "steps", "lr"]].to_numpy()]
        cost = candidates[axis].to_numpy(float)
        counted = axis == "multiply_adds"
        spread = np.zeros(len(arms)) if counted else (candidates[f"{axis}_high"] - candidates[f"{axis}_low"]).to_numpy()
        return cls(arms, cost, spread.astype(float), reference)


@dataclass(frozen=True, eq=False)
class Race:
    """The winner (the reference if nothing faster is shown to pass) and what it cost to find.

    adaptations: one candidate on one episode counts one, the reference's too; exhaustive: what a full sweep spends.
    table: pattern, steps, lr, speed_up, episodes (seen), degradation (points, over those), p_adjusted, outcome
    (pass | dropped | undecided | not needed | reference), fastest first.
    """

    chosen: Arm
    speed_up: float
    threshold: float
    confidence: float
    reference: Arm
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
        arm = f"{self.chosen.pattern} for {self.chosen.steps} steps ({describe_pattern(self.chosen.pattern, layers)})"
        loss = describe_loss(seen.degradation, seen.low, seen.high, self.confidence)
        spent = f"{self.adaptations:,} of {self.exhaustive:,} adaptations ({percent(round(self.share, 3))})"
        lines = [f"{what}{arm}: {times(self.speed_up)}; on test classes {loss}, {seen.verdict}. Spent: {spent}."]
        if rival:
            other = f"{rival['pattern']} for {rival['steps']} steps, {times(rival['speed_up'])}"
            gap = f"{interval(rival['difference_low'], rival['difference_high'])} points from the race's"
            lines.append("The exhaustive choice is the same." if rival["same"] else
                         f"The exhaustive choice is {other}, {gap}.")  # fmt: skip
        return "\n".join(lines)


def race(field: Field, runner: Runner, episodes: int, threshold: float, confidence: float = 0.95) -> Race:
    """The fastest arm whose degradation is shown to be at most `threshold` points; episodes: the most that any sees.

    The chance of choosing one that is truly worse stays below 1 − confidence. Raises SelectionError.
    """
    check_threshold(threshold)
    check_confidence(confidence)
    if episodes < FEWEST:
        raise SelectionError(f"a race needs at least {FEWEST} episodes, not {episodes}")
    course = _Course(field, runner, episodes, threshold, 1 - confidence)
    while len(heat := course.heat()):
        course.run(heat)
    best = course.leader()
    return Race(
        chosen=field.arms[best],
        speed_up=float(ratio(field.cost[field.reference], field.cost)[best]),
        threshold=threshold,
        confidence=confidence,
        reference=field.arms[field.reference],
        adaptations=int(course.seen.sum()),
        exhaustive=len(field.arms) * episodes,
        table=course.table(),
    )


def replayed(accuracy: pd.DataFrame) -> Runner:
    """A runner that reads one split of a measured accuracy table."""
    candidates, matrix = episode_matrix(accuracy)
    keys = [(str(p), int(s), float(lr)) for p, s, lr in candidates[["pattern", "steps", "lr"]].to_numpy()]
    place = {key: row for row, key in enumerate(keys)}

    def run(arms: Sequence[Arm], episodes: range) -> Floats:
        rows = [place[(arm.pattern, arm.steps, arm.lr)] for arm in arms]
        return matrix[rows][:, episodes.start : episodes.stop]

    return run


def race_tables(
    study: Study, threshold: float, confidence: float = 0.95, *, axis: Axis = "milliseconds", any_lr: bool = False
) -> tuple[Race, Confirmation, dict[str, Any]]:
    """Replay a race on a study's tables: the race, what test classes say, and the exhaustive choice beside it."""
    if study.accuracy is None or study.timing is None:
        raise StudyError(f"{study.name} is not measured yet: lambda-core sweep and lambda-core time make its tables")
    split, own = study.accuracy["split"], study.config.lr
    val, test = study.accuracy[split == "val"], study.accuracy[split == "test"]
    timing = under(study.timing, timing_conditions(study.timing)[0])
    evidence = weigh(val, timing, study.config.steps, any_lr=any_lr, axis=axis, lr=own)
    runner = replayed(val)
    field = Field.of(evidence.candidates, axis, evidence.reference)
    result = race(field, runner, evidence.degradation.episodes, threshold, confidence)
    seen = confirm_race(result, replayed(test), int(test["episode"].nunique()))
    return result, seen, against_exhaustive(result, evidence, runner)


def study_field(study: Study, axis: Axis = "milliseconds") -> Field:
    """A study's timed candidates at its own step size, to race on live episodes; untimed ones by multiply-adds."""
    layers, own = len(study.layers), study.config.lr
    if study.timing is not None:
        timing = under(study.timing, timing_conditions(study.timing)[0])
        places = timing[["pattern", "steps"]].drop_duplicates().astype({"pattern": "str", "steps": int})
        candidates = places.reset_index(drop=True).assign(lr=own)
        candidates = candidates.assign(**candidate_costs(candidates, timing))
    elif axis == "multiply_adds" and study.layer_costs is not None:
        candidates = _counted(layers, study.config.steps, study.layer_costs).assign(lr=own)
    else:
        raise StudyError(f"{study.name} has no times yet; make them with: lambda-core time {study.folder}")
    return Field.of(candidates, axis, find(candidates, "1" * layers, study.config.steps, own))


def confirm_race(result: Race, runner: Runner, episodes: int) -> Confirmation:
    """One uncorrected look at the winner on other classes; the runner is that of those classes."""
    chosen, reference = runner([result.chosen, result.reference], range(episodes))
    return look_once(chosen, reference, result.threshold, result.confidence)


def against_exhaustive(result: Race, evidence: Evidence, runner: Runner) -> dict[str, Any]:
    """The exhaustive selection's choice on the same table, and whether the race's differs from it significantly.

    Returns pattern, steps, lr, speed_up, same, and difference_low/high: its accuracy less the race's, in points, at
    the race's confidence over all episodes; agrees: the same, or an interval that holds 0.
    """
    choice = evidence.choose(result.threshold, result.confidence)
    other = Arm(choice.pattern, choice.steps, choice.lr)
    theirs, ours = runner([other, result.chosen], range(choice.episodes))
    paired = Paired.of(100 * (theirs - ours)[None])
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


def shares(episodes: int) -> Floats:
    """Each look's share of the error rate, 1 in all: next to nothing on few episodes, where a t test is least sure."""
    spent = (np.array(looks(episodes)) / episodes) ** 3
    return np.diff(spent, prepend=0.0)


def _counted(layers: int, steps: int, costs: Sequence[int]) -> pd.DataFrame:
    """Every per-layer pattern at 1 … `steps` steps, and no adaptation, with its multiply-adds."""
    patterns = LambdaPattern.enumerate(layers)
    places = [(patterns[0], 0), *((pattern, count) for pattern in patterns[1:] for count in range(1, steps + 1))]
    rows = [(str(pattern), count, count_cost(pattern, count, costs)) for pattern, count in places]
    return pd.DataFrame(rows, columns=["pattern", "steps", "multiply_adds"])


class _Course:
    """The state of a race: accuracies seen so far, p values, who has dropped out."""

    def __init__(self, field: Field, runner: Runner, episodes: int, threshold: float, level: float) -> None:
        self.field, self.runner, self.episodes = field, runner, episodes
        self.threshold, self.level = threshold, level
        self.looks, self.shares = looks(episodes), shares(episodes)
        count = len(field.arms)
        self.accuracy = np.full((count, episodes), np.nan)
        self.seen = np.zeros(count, dtype=int)
        self.degradation = np.zeros(count)  # points, over what each arm has seen
        self.p = np.ones(count)
        # fixed by cost before any accuracy is seen, so only these need a correction
        self.rivals = field.cost < field.cost[field.reference]
        self.dropped = np.zeros(count, dtype=bool)

    def heat(self) -> NDArray[np.int64]:
        """The fastest arms that may still win, HEAT at most."""
        leader, cost, spread = self.leader(), self.field.cost, self.field.spread
        faster = cost[leader] - cost > (spread + spread[leader]) / 2
        open_ = self.rivals & faster & ~self.dropped & ~self.passed() & (self.seen < self.episodes)
        return np.flatnonzero(open_)[np.argsort(cost[open_], kind="stable")][:HEAT]

    def run(self, heat: NDArray[np.int64]) -> None:
        """Each arm of the heat on to its next look, and what that says of it."""
        before = self.seen[heat]
        for look, (start, end) in enumerate(pairwise([0, *self.looks])):
            group = heat[before == start]
            if len(group):
                self._see(np.append(group, self.field.reference), end)
                self._judge(group, look)

    def passed(self) -> NDArray[np.bool_]:
        return self.adjusted() <= self.level

    def adjusted(self) -> Floats:
        adjusted = np.ones(len(self.p))
        adjusted[self.rivals] = holm(self.p[self.rivals])
        return adjusted

    def leader(self) -> int:
        """The arm that would be chosen now."""
        return fastest(self.passed(), self.field.cost, self.field.spread, -self.degradation, self.field.reference)

    def table(self) -> pd.DataFrame:
        passed, seen = self.passed(), self.seen
        outcome = np.select(
            [np.arange(len(seen)) == self.field.reference, passed, self.dropped, seen == self.episodes],
            ["reference", "pass", "dropped", "undecided"],
            "not needed",
        )
        table = pd.DataFrame([vars(arm) for arm in self.field.arms]).assign(
            speed_up=ratio(self.field.cost[self.field.reference], self.field.cost),
            episodes=seen,
            degradation=np.where(seen > 0, self.degradation, np.nan),
            p_adjusted=self.adjusted(),
            outcome=outcome,
        )
        return table.iloc[np.argsort(self.field.cost, kind="stable")].reset_index(drop=True)

    def _see(self, arms: NDArray[np.int64], end: int) -> None:
        """Run each arm on the episodes up to `end` that it has not seen."""
        for start in np.unique(self.seen[arms]):
            group = arms[self.seen[arms] == start]
            if start < end:
                asked = [self.field.arms[arm] for arm in group]
                self.accuracy[group, start:end] = self.runner(asked, range(int(start), end))
        self.seen[arms] = np.maximum(self.seen[arms], end)

    def _judge(self, arms: NDArray[np.int64], look: int) -> None:
        n = self.looks[look]
        paired = Paired.of(100 * (self.accuracy[self.field.reference, :n] - self.accuracy[arms, :n]))
        self.degradation[arms] = paired.mean
        # a few equal differences do not show that none differs; all episodes are taken as they are
        sure = (paired.error > 0) | (n == self.episodes)
        p = np.where(sure, paired.p_at_most(self.threshold), 1.0)
        self.p[arms] = np.minimum(self.p[arms], p / self.shares[look])
        self.dropped[arms] = self._hopeless(paired) & ~self.passed()[arms]

    def _hopeless(self, paired: Paired) -> NDArray[np.bool_]:
        """Whose predicted chance to pass at the last look, given what was seen so far, is below HOPELESS."""
        n, total = paired.episodes, self.episodes
        if n == total:
            return np.zeros(len(paired.mean), dtype=bool)
        left = max(1, int(self.rivals.sum() - self.passed().sum()))
        margin = -float(stdtrit(total - 1, self.level * self.shares[-1] / left))
        deviation = np.where(paired.error > 0, paired.error, np.inf) * np.sqrt(n)
        with np.errstate(invalid="ignore"):
            ahead = (self.threshold - paired.mean) / deviation - margin / np.sqrt(total)
        chance = stdtr(n - 1, ahead / np.sqrt(1 / n - 1 / total))
        hopeless: NDArray[np.bool_] = (paired.error > 0) & (chance < HOPELESS)
        return hopeless
