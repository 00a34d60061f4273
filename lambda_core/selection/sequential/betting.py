"""Bounds that assume nothing but the range of a difference, for candidates that differ in few episodes.

Whoever doubts that the mean is as high as `bound` bets in each episode that the difference lies below it. With a stake
of λ the capital becomes ∏ (1 + λ (bound − x)); it stays above 0 for λ ≤ 1/(LARGEST − bound), x being LARGEST at most.
Were the mean `bound` or more, the capital would be a supermartingale, and so would its mean over several stakes: the
chance that it ever reaches 1/α is at most α (Ville). The bound is where it just does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LARGEST = 100.0  # points: the most that an accuracy can differ by
STAKES = 0.5 ** np.arange(8)  # shares of the largest stake; half the capital on the first, a quarter on the next, …
WEIGHTS = np.append(0.5 ** np.arange(1, 8), 0.5**7)
HALVINGS = 40  # of the range of the bound: to 2e-10 points


def betting_p(differing: Floats, episodes: int, bound: float | Floats) -> Floats:
    """(candidates,) anytime-valid p values for the claim that the mean is at most `bound`: 1/capital.

    differing: points, (candidates, few), the differences of episodes that differ, zeros where fewer do. episodes: of
    all; in the others the difference is 0. bound: points, one or (candidates,).
    """
    p: Floats = np.exp(np.minimum(-_log_capital(differing, episodes, np.broadcast_to(bound, len(differing))), 0.0))
    return p


def betting_bound(differing: Floats, episodes: int, alpha: float) -> Floats:
    """(candidates,) upper bounds of the mean, points: it is ever above with chance `alpha` at most."""
    low, high = np.full(len(differing), -LARGEST), np.full(len(differing), LARGEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        shown = _log_capital(differing, episodes, middle) >= -np.log(alpha)
        low, high = np.where(shown, low, middle), np.where(shown, middle, high)
    return high


def _log_capital(differing: Floats, episodes: int, bound: Floats) -> Floats:
    """(candidates,) logarithms of the capital, the mean over STAKES."""
    stakes = STAKES / (LARGEST - np.minimum(bound, LARGEST * (1 - 1e-9)))[:, None]
    gains = (bound[:, None] - differing)[:, None] * stakes[..., None]
    unchanged = episodes - differing.shape[1]
    with np.errstate(divide="ignore"):
        logs = np.log1p(gains).sum(axis=2) + unchanged * np.log1p(bound[:, None] * stakes)
        total: Floats = np.logaddexp.reduce(logs + np.log(WEIGHTS), axis=1)
    return total
