"""Does selection keep its promise? Simulated episodes with known truth: python -m benchmarks.promise

Draws worlds in which every candidate's true degradation is known, selects in each, and counts two things: how often
a truly worse pattern than allowed is chosen (promised: less often than 1 − confidence), and how often the truly
fastest admissible one is found (power). Writes docs/promise.svg and prints the numbers behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.drawing import pyplot
from lambda_core.selection import PairedDifference, fastest, judge

Floats = NDArray[np.float64]
Rule = Callable[[Floats, float, float], NDArray[np.bool_]]
FIGURE = Path(__file__).parent.parent / "docs" / "promise.svg"
QUERIES = 75


@dataclass(frozen=True)
class World:
    """Candidates of known loss, fastest first; the reference comes last and loses nothing.

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
        reference = self._reference(rng)
        seen = self._flipped(reference, rng) if self.near_ceiling else self._shaken(reference, rng)
        return np.vstack([100 * (reference - seen), np.zeros(self.episodes)])

    def _reference(self, rng: np.random.Generator) -> Floats:
        if self.near_ceiling:
            return rng.binomial(QUERIES, rng.beta(40 * self.level, 40 * (1 - self.level), self.episodes)) / QUERIES
        return _answers(self.level + rng.normal(0, 0.1, self.episodes), rng)

    def _shaken(self, reference: Floats, rng: np.random.Generator) -> Floats:
        """The reference minus the loss, plus deviations partly shared between candidates."""
        shape = (len(self.truth), self.episodes)
        own = rng.normal(0, np.sqrt(1 - self.correlation), shape)
        shared = rng.normal(0, np.sqrt(self.correlation), self.episodes)
        return _answers(reference - np.array(self.truth)[:, None] / 100 + self.deviation * (own + shared), rng)

    def _flipped(self, reference: Floats, rng: np.random.Generator) -> Floats:
        """Each right answer is lost, each wrong one gained, with chances that give the true loss exactly."""
        gained = 0.3
        lost = (np.array(self.truth) / 100 + (1 - self.level) * gained) / self.level
        right = np.round(reference * QUERIES).astype(int)
        shape = (len(self.truth), self.episodes)
        kept = rng.binomial(np.broadcast_to(right, shape), 1 - lost[:, None])
        return (kept + rng.binomial(np.broadcast_to(QUERIES - right, shape), gained)) / QUERIES


def ours(seen: Floats, threshold: float, confidence: float) -> NDArray[np.bool_]:
    """The project's verdict: bounds of paired differences that hold for all candidates and numbers of episodes."""
    return judge(PairedDifference.of(seen), threshold, confidence, len(seen) - 1)[0] == "pass"


def uncorrected(seen: Floats, threshold: float, confidence: float) -> NDArray[np.bool_]:
    """A plain t test, each candidate for itself."""
    paired = PairedDifference.of(seen)
    return paired.mean + paired.half_width(2 * confidence - 1) <= threshold


def mean_within(seen: Floats, threshold: float, _: float) -> NDArray[np.bool_]:
    """The mean is within the threshold: no test at all."""
    return seen.mean(axis=1) <= threshold


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
    """Select `draws` times in freshly drawn episodes of `world`."""
    rng = np.random.default_rng(seed)
    truth = np.append(world.truth, 0.0)
    best = int((truth <= threshold).argmax())
    chosen = np.array([_select(world.draw(rng), threshold, confidence, rule) for _ in range(draws)])
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


def _select(seen: Floats, threshold: float, confidence: float, rule: Rule) -> int:
    cost = np.arange(1.0, len(seen) + 1)
    return fastest(rule(seen, threshold, confidence), cost, seen.mean(axis=1), len(seen) - 1, zone=0.0)


def _answers(accuracy: Floats, rng: np.random.Generator) -> Floats:
    """A whole number of right answers whose expectation is the accuracy, clipping apart."""
    return np.clip(np.floor(QUERIES * accuracy + rng.uniform(size=accuracy.shape)) / QUERIES, 0, 1)


RULES = {
    "bounds for all at once (ours)": ours,
    "paired test, uncorrected": uncorrected,
    "mean within the threshold": mean_within,
}
EPISODES = (20, 50, 100, 200, 400, 600, 1000)


def main(draws: int = 200) -> None:
    errors = {name: [_ladder(n, draws, rule).error for n in EPISODES] for name, rule in RULES.items()}
    powers = {f"{loss:g} points": [_good(loss, n, draws).power for n in EPISODES] for loss in (0.0, 0.3, 0.6, 0.8)}
    hardest = {
        "hardest world": [_hardest(n, draws).error for n in EPISODES],
        "hardest world, near 99 %": [_hardest(n, draws, near_ceiling=True, level=0.987).error for n in EPISODES],
    }
    _print("chosen pattern truly worse than allowed (promise: at most 5 %)", errors | hardest)
    _print("truly fastest admissible pattern found, by its true loss", powers)
    _draw(errors, powers)


def _ladder(episodes: int, draws: int, rule: Rule) -> Tally:
    return play(replace(ladder(310), episodes=episodes), 1.0, 0.95, draws, seed=episodes, rule=rule)


def _good(loss: float, episodes: int, draws: int) -> Tally:
    return play(replace(one_good(1.0, 310, loss), episodes=episodes), 1.0, 0.95, draws, seed=episodes)


def _hardest(episodes: int, draws: int, **world: Any) -> Tally:
    """All 310 candidates are just too bad; independent draws, more of them, since the rate is near the promise."""
    hard = replace(all_worse(2.0, 310), episodes=episodes, correlation=0.0, **world)
    return play(hard, 2.0, 0.95, 3 * draws, seed=episodes)


def _print(title: str, lines: dict[str, list[float]]) -> None:
    print(title)
    print(f"{'episodes':32}" + "".join(f"{n:>8}" for n in EPISODES))
    for name, values in lines.items():
        print(f"{name:32}" + "".join(f"{100 * value:>7.1f}%" for value in values))


def _draw(errors: dict[str, list[float]], powers: dict[str, list[float]]) -> None:
    plt = pyplot(10)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    _lines(left, errors, "How often a too bad pattern is chosen", ["#0b6e4f", "#c77700", "#b3261e"])
    left.axhline(5, color="#555", linestyle=":", linewidth=1.2)
    left.annotate("promise: 5 %", (21, 7), color="#333")
    shades = ["#08306b", "#2171b5", "#6baed6", "#969696"]
    _lines(right, powers, "How often the fastest admissible pattern is found", shades)
    right.legend(title="its true loss (allowed: 1 point)", frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})


def _lines(axes: Any, lines: dict[str, list[float]], title: str, colours: list[str]) -> None:
    markers = "o^sD"
    for (name, values), colour, marker in zip(lines.items(), colours, markers, strict=False):
        axes.plot(EPISODES, [100 * v for v in values], marker=marker, color=colour, label=name)
    axes.set(xscale="log", xlabel="episodes", ylabel="selections, %", ylim=(-3, 103), title=title)
    axes.set_xticks(EPISODES, [str(n) for n in EPISODES], minor=False)
    axes.minorticks_off()
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
