"""Bounds by betting: exact, whatever the losses are like."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.calibration.rates import most_allowed, power
from lambda_core.selection.sequential.betting import betting_bound, betting_p

NOTHING = np.zeros((1, 0))


@pytest.mark.parametrize("episodes", [5, 100, 600])
def test_where_nothing_differs_it_is_the_rule_of_three(episodes: int) -> None:
    """A loss of 100 points with chance q stays unseen with chance (1 − q)^n; half of the capital bets on that."""
    bound = betting_bound(NOTHING, episodes, 0.05).item()
    assert bound <= 100 * (1 - (0.05 / 2) ** (1 / episodes)) + 1e-6
    assert bound >= 100 * (1 - 0.05 ** (1 / episodes))


def test_a_p_value_turns_the_bound_round() -> None:
    differing = np.array([[4.0, -2.0, 0.0], [20.0, 0.0, 0.0]])
    for alpha in (0.05, 0.001):
        bound = betting_bound(differing, 80, alpha)
        assert betting_p(differing, 80, bound) == pytest.approx(alpha, rel=1e-4)
    assert (betting_p(differing, 80, 0.0) <= 1).all()


def test_zeros_that_fill_up_count_as_episodes() -> None:
    short, long = np.array([[4.0]]), np.array([[4.0, 0.0, 0.0]])
    assert betting_bound(short, 60, 0.05) == pytest.approx(betting_bound(long, 60, 0.05))


@pytest.mark.parametrize("loss", [100.0, 20.0])
def test_rare_losses_break_it_less_often_than_promised(loss: float) -> None:
    """Looked at after every episode; the mean is 1 point."""
    rng, alpha, draws, episodes = np.random.default_rng(0), 0.05, 1300, 120
    lost = rng.uniform(size=(draws, episodes)) < 1 / loss
    ever = np.zeros(draws, dtype=bool)
    for n in range(1, episodes + 1):
        most = int(lost[:, :n].sum(axis=1).max())
        values = np.where(np.arange(most) < lost[:, :n].sum(axis=1)[:, None], loss, 0.0)
        ever |= betting_p(values, n, 1.0) <= alpha
    assert power(alpha, 0.08, draws) >= 0.9  # that 8 % would be seen
    assert ever.sum() <= most_allowed(alpha, draws)


def test_the_capital_is_what_the_definition_says() -> None:
    values, n, bound = [8.0, -4.0], 10, 3.0
    stakes, weights = [0.5**k / (100 - bound) for k in range(8)], [*(0.5**k for k in range(1, 8)), 0.5**7]
    capital = sum(
        weight * math.prod(1 + stake * (bound - x) for x in [*values, *[0.0] * (n - 2)])
        for stake, weight in zip(stakes, weights, strict=True)
    )
    assert betting_p(np.array([values]), n, bound).item() == pytest.approx(min(1.0, 1 / capital))
