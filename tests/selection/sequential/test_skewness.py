"""Skewed differences: bounds that hold where a t test's do not."""

from __future__ import annotations

import numpy as np
import pytest

from lambda_core.selection.sequential.mixture import distance
from lambda_core.selection.sequential.skewness import skewed, unskewed

SKEWNESS = np.array([-3.0, 0.0, 0.2, 1.0, 4.0])


@pytest.mark.parametrize("episodes", [30, 600])
def test_it_is_turned_round(episodes: int) -> None:
    for far in (0.5, 2.0, 4.5):
        assert unskewed(skewed(far, SKEWNESS, episodes), SKEWNESS, episodes) == pytest.approx(far, rel=1e-6)


def test_it_only_widens_and_vanishes_with_many_episodes() -> None:
    wide = skewed(4.5, SKEWNESS, 100)
    assert wide[:2] == pytest.approx(4.5, abs=1e-4)
    assert (np.diff(wide[1:]) > 0).all()
    assert skewed(4.5, SKEWNESS, 100_000_000) == pytest.approx(4.5, abs=0.01)


def test_rare_losses_are_seen_coming() -> None:
    """One episode in ten loses 10 points: a bound at 1 in 1,000 fails far more often without the transformation."""
    rng, episodes, level = np.random.default_rng(0), 100, 0.001
    losses = 10.0 * (rng.uniform(size=(20_000, episodes)) < 0.1)
    mean, deviation = losses.mean(axis=1), losses.std(axis=1, ddof=1)
    gamma = ((losses - mean[:, None]) ** 3).mean(axis=1) / losses.std(axis=1) ** 3
    far = distance(episodes, level)
    plain, wide = (mean + deviation / np.sqrt(episodes) * factor for factor in (far, skewed(far, gamma, episodes)))
    assert (plain < 1).mean() > 2 * level
    assert (wide < 1).mean() <= 2 * level
