"""Worlds of known truth, drawn from distributions, and the rules that choose in them.

Each candidate's true degradation is known, so two things can be counted: how often a truly worse pattern than allowed
is chosen (promised: less often than 1 − confidence), and how often the truly fastest admissible one is found (power).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from lambda_core.selection import PairedDifference

Floats = NDArray[np.float64]
# (worlds, candidates, episodes) points lost, threshold, confidence → (worlds, candidates) pass
Rule = Callable[[Floats, float, float], NDArray[np.bool_]]
QUERIES = 75
AT_ONCE = 2_000_000  # numbers drawn at a time


@dataclass(frozen=True)
class World:
    """Candidates of known loss, fastest first; the reference would come last and loses nothing.

    truth: true degradations in points. episodes: how many are seen. correlation: of the candidates' own deviations.
    level: accuracy of the reference. near_ceiling: errors are rare and lopsided, as on Omniglot.
    """

    truth: tuple[float, ...]
    episodes: int = 600
    correlation: float = 0.5
    level: float = 0.55
    deviation: float = 0.03
    near_ceiling: bool = False

    def draw(self, rng: np.random.Generator) -> Floats:
        """Degradations seen, in points: (candidates + 1, episodes), the reference's zeros last."""
        return np.vstack([self.draw_many(rng, 1)[0], np.zeros(self.episodes)])

    def draw_many(self, rng: np.random.Generator, worlds: int) -> Floats:
        """Degradations seen, in points: (worlds, candidates, episodes), without the reference."""
        reference = self._reference(rng, worlds)
        seen = self._flipped(reference, rng) if self.near_ceiling else self._shaken(reference, rng)
        return 100 * (reference[:, None] - seen)

    def _reference(self, rng: np.random.Generator, worlds: int) -> Floats:
        shape = (worlds, self.episodes)
        if self.near_ceiling:
            return rng.binomial(QUERIES, rng.beta(40 * self.level, 40 * (1 - self.level), shape)) / QUERIES
        return _answers(self.level + rng.normal(0, 0.1, shape), rng)

    def _shaken(self, reference: Floats, rng: np.random.Generator) -> Floats:
        """The reference minus the loss, plus deviations partly shared between candidates."""
        worlds, episodes = reference.shape
        own = rng.normal(0, np.sqrt(1 - self.correlation), (worlds, len(self.truth), episodes))
        shared = rng.normal(0, np.sqrt(self.correlation), (worlds, 1, episodes))
        mean = reference[:, None] - np.array(self.truth)[:, None] / 100
        return _answers(mean + self.deviation * (own + shared), rng)

    def _flipped(self, reference: Floats, rng: np.random.Generator) -> Floats:
        """Each right answer is lost, each wrong one gained, with chances that give the true loss exactly."""
        gained = 0.3
        lost = (np.array(self.truth) / 100 + (1 - self.level) * gained) / self.level
        right = np.round(reference * QUERIES).astype(int)[:, None]
        shape = (len(right), len(self.truth), self.episodes)
        kept = rng.binomial(np.broadcast_to(right, shape), 1 - lost[:, None])
        return (kept + rng.binomial(np.broadcast_to(QUERIES - right, shape), gained)) / QUERIES


def ours(seen: Floats, threshold: float, confidence: float) -> NDArray[np.bool_]:
    """The project's verdict: bounds of paired differences that hold for all candidates and numbers of episodes."""
    worlds, candidates, episodes = seen.shape
    p = PairedDifference.of(seen.reshape(-1, episodes)).p_at_most(threshold)
    return p.reshape(worlds, candidates) * candidates <= 1 - confidence


def uncorrected(seen: Floats, threshold: float, confidence: float) -> NDArray[np.bool_]:
    """A plain t test, each candidate for itself."""
    n = seen.shape[2]
    error = seen.std(axis=2, ddof=1) / np.sqrt(n)
    passing: NDArray[np.bool_] = seen.mean(axis=2) + t.ppf(confidence, n - 1) * error <= threshold
    return passing


def mean_within(seen: Floats, threshold: float, _: float) -> NDArray[np.bool_]:
    """The mean is within the threshold: no test at all."""
    return seen.mean(axis=2) <= threshold


@dataclass(frozen=True)
class Tally:
    """Of so many selections: how many chose a truly worse pattern, how many the truly fastest admissible one."""

    worse: int
    found: int
    draws: int

    @property
    def error(self) -> float:
        return self.worse / self.draws

    @property
    def power(self) -> float:
        return self.found / self.draws


def play(world: World, threshold: float, confidence: float, draws: int, seed: int, rule: Rule = ours) -> Tally:
    """Choose the fastest that passes `draws` times, in freshly drawn episodes of `world`."""
    rng = np.random.default_rng(seed)
    truth = np.append(world.truth, 0.0)
    best = int((truth <= threshold).argmax())
    chosen = np.concatenate(
        [_first(rule(world.draw_many(rng, count), threshold, confidence)) for count in _batches(world, draws)]
    )
    return Tally(int((truth[chosen] > threshold).sum()), int((chosen == best).sum()), draws)


def all_worse(threshold: float, candidates: int, excess: float = 1e-6) -> World:
    """The hardest world: everything fast is just too bad, so that any pass is a false one."""
    return World(truth=(threshold + excess,) * candidates)


def one_good(threshold: float, candidates: int, loss: float) -> World:
    """One admissible candidate, the slowest, behind others that are plainly too bad."""
    return World(truth=(*(threshold + 3.0,) * (candidates - 1), loss))


def ladder(candidates: int, worst: float = 4.0) -> World:
    """As in a study: the faster, the worse, in even steps from `worst` points to none."""
    return World(truth=tuple(np.linspace(worst, 0, candidates)))


def _batches(world: World, draws: int) -> Iterator[int]:
    size = max(1, AT_ONCE // (world.episodes * len(world.truth)))
    while draws > 0:
        yield min(size, draws)
        draws -= size


def _first(passing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(worlds,) the fastest that passes; where none does, the reference behind them all."""
    found: NDArray[np.int64] = np.where(passing.any(axis=1), passing.argmax(axis=1), passing.shape[1])
    return found


def _answers(accuracy: Floats, rng: np.random.Generator) -> Floats:
    """A whole number of right answers whose expectation is the accuracy, clipping apart."""
    return np.clip(np.floor(QUERIES * accuracy + rng.uniform(size=accuracy.shape)) / QUERIES, 0, 1)
