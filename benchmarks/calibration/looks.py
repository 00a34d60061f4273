"""Looking again, and moving the slider: how often what passes should not have, by the rule of now and of before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.rates import Rate
from benchmarks.calibration.resampled import Population
from benchmarks.earlier_rule import passes_by_t_tests
from lambda_core.selection import Floats, PairedDifference, simultaneous_bounds

LOOKS = 6  # the first, and five extensions of as many episodes again
ONE = np.array([1.0])
SLIDER = np.arange(51) / 10  # thresholds from 0 to 5 points
# (paired, thresholds) → (candidates, thresholds) pass
Rule = Callable[[PairedDifference, Floats], NDArray[np.bool_]]


def by_bounds(paired: PairedDifference, thresholds: Floats) -> NDArray[np.bool_]:
    """The project's rule."""
    _, high = simultaneous_bounds(paired, 0.95)
    return high[:, None] <= thresholds


def by_t_tests(paired: PairedDifference, thresholds: Floats) -> NDArray[np.bool_]:
    """The earlier rule, each threshold and each look for itself."""
    return np.stack([passes_by_t_tests(paired, threshold) for threshold in thresholds], axis=1)


RULES: dict[str, Rule] = {"now": by_bounds, "before": by_t_tests}
WORLDS: dict[str, tuple[Callable[[Population], Population], Floats]] = {
    "as measured, threshold 1 point": (lambda population: population, ONE),
    "as measured, 51 thresholds": (lambda population: population, SLIDER),
    "all just worse than 1 point": (lambda population: population.tilted(ONE), ONE),
    "each just worse than one of 51 thresholds": (lambda population: population.tilted(SLIDER), SLIDER),
}


def false_passes(
    population: Population, thresholds: Floats, episodes: int, draws: int, looks: int = LOOKS
) -> dict[str, list[Rate]]:
    """Rule → in how many of `draws` worlds anything passed that should not have, at the first 1, 2, … looks.

    episodes: that each look adds.
    """
    rng = np.random.default_rng(0)
    false = np.zeros((len(RULES), draws, looks), dtype=bool)
    for draw in range(draws):
        drawn = population.draw(rng, looks * episodes)
        for look in range(looks):
            paired = PairedDifference.of(drawn[:, : (look + 1) * episodes])
            false[:, draw, look] = list(_any_false(paired, population.truth, thresholds))
    ever = np.logical_or.accumulate(false, axis=2).sum(axis=1)
    return {rule: [Rate(int(count), draws) for count in row] for rule, row in zip(RULES, ever, strict=True)}


def _any_false(paired: PairedDifference, truth: Floats, thresholds: Floats) -> Iterator[bool]:
    wrong = truth[:, None] > thresholds
    for rule in RULES.values():
        yield bool((rule(paired, thresholds) & wrong).any())
