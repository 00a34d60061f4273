"""The normal mixture's boundary: its formula turned round, and its rate however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import trapezoid

from benchmarks.calibration.rates import most_allowed, power
from lambda_core.selection.sequential.mixture import DENSITY, LEAST_P, boundary, distance, mixture_p


@pytest.mark.parametrize("episodes", [8, 50, 300, 1000])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 620])
def test_a_p_value_turns_the_boundary_round(episodes: int, alpha: float) -> None:
    assert mixture_p(episodes, np.array([distance(episodes, alpha)])) == pytest.approx(alpha, rel=1e-6)


def test_the_boundary_is_where_the_mixture_of_likelihood_ratios_reaches_its_level() -> None:
    """∫ exp(λ√n z − λ²n/2) over the positive half of a normal prior of variance ρ², twice, is 1/α − 1 below."""
    n, alpha = 200, 0.01
    z = boundary(n, alpha)
    effects = np.linspace(0, 5, 200_001)
    prior = 2 * stats.norm.pdf(effects, scale=math.sqrt(DENSITY))
    mixed = trapezoid(prior * np.exp(effects * math.sqrt(n) * z - effects**2 * n / 2), effects)
    assert mixed >= 1 / alpha
    assert mixed == pytest.approx(1 / alpha, rel=0.02)  # the formula replaces Φ by 1 where it is nearly that


def test_a_p_value_is_never_zero_and_never_above_one() -> None:
    p = mixture_p(100, np.array([-np.inf, -3.0, 0.0, 3.0, 1e9, np.inf]))
    assert p[:3].tolist() == [1, 1, 1]
    assert (np.diff(p[2:]) <= 0).all()
    assert p.min() >= LEAST_P > 0


def test_looking_after_every_episode_keeps_the_rate() -> None:
    rng, episodes, draws = np.random.default_rng(0), 400, 1300
    seen = rng.normal(0, 3, (draws, episodes))
    counts = np.arange(20, episodes + 1)
    means = np.cumsum(seen, axis=1)[:, 19:] / counts
    variances = (np.cumsum(seen**2, axis=1)[:, 19:] / counts - means**2) * counts / (counts - 1)
    standardised = means / np.sqrt(variances / counts)
    ever = [(standardised < -np.array([far(int(n)) for n in counts])).any(axis=1).mean() for far in (ours, students)]
    assert power(0.05, 0.08, draws) >= 0.9  # that 8 % would be seen
    assert ever[0] <= most_allowed(0.05, draws) / draws
    assert ever[1] > 0.15  # a t test looked at so often: so the line above can fail


def ours(episodes: int) -> float:
    return distance(episodes, 0.05)


def students(episodes: int) -> float:
    return float(stats.t.ppf(0.95, episodes - 1))
