"""Skewness makes a t test too sure: near the ceiling few losses are seen, and with them a small spread.

Hall's transformation (1992, "On the removal of skewness by transformation", JRSS B 54:221) of T = (mean − truth)/s,
with s the standard deviation, γ the skewness and n the episodes,

    T + γ T²/3 + γ² T³/27 + γ/(6 n),

is nearer to normal than T, and monotone, so it can be turned round. Here it may only widen a bound: skewness that would
narrow it is taken as none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NONE = 1e-6  # below this the cubic is a straight line to all digits


def skewed(distance: float, skewness: Floats, episodes: int) -> Floats:
    """(candidates,) standard errors from the mean up to a bound, where without skewness it were `distance`."""
    gamma = np.maximum(skewness, NONE)
    inside = 1 - gamma * (distance / np.sqrt(episodes) + gamma / (6 * episodes))
    widened: Floats = 3 / gamma * (1 - np.cbrt(inside)) * np.sqrt(episodes)
    return np.maximum(widened, distance)


def unskewed(seen: Floats, skewness: Floats, episodes: int) -> Floats:
    """(candidates,) the distance that `skewed` would widen to what was `seen`; both in standard errors."""
    gamma, per_deviation = np.maximum(skewness, NONE), seen / np.sqrt(episodes)
    inside = 1 - gamma * per_deviation / 3
    distance: Floats = ((1 - inside**3) / gamma - gamma / (6 * episodes)) * np.sqrt(episodes)
    return np.minimum(distance, seen)
