"""How many standard errors a mean may lie from the truth, whenever one looks: the normal mixture's boundary.

One-sided, after n episodes, with chance α of ever being left (Waudby-Smith et al. 2024, in standard errors):

    z(n, α) = √(2 (x + 1)/x · log(1 + √(x + 1)/(2α))),  x = ρ² n.

ρ² is chosen once, before any data, and says where the boundary is tightest. What estimating the spread costs is met as
in a t test: the distance on Student's scale that has the tail of z on the normal one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

Floats = NDArray[np.float64]
DENSITY = 1 / 10  # ρ²: nearly the tightest for hundreds of candidates from 100 to 1,000 episodes, and flat around it
LEAST_P = 1e-300  # what is seen is never certain


def boundary(episodes: int, alpha: float) -> float:
    """z(n, α) above, of a normal mean whose spread is known. alpha: chance of ever lying outside, one-sided."""
    x = DENSITY * episodes
    return float(np.sqrt(2 * (x + 1) / x * np.log1p(np.sqrt(x + 1) / (2 * alpha))))


def distance(episodes: int, alpha: float) -> float:
    """Standard errors, the spread estimated from the same episodes (two at least)."""
    return -float(stdtrit(episodes - 1, ndtr(-boundary(episodes, alpha))))


def mixture_p(episodes: int, seen: Floats) -> Floats:
    """The least α at which `distance` is not above what was `seen` (standard errors, any shape): an anytime-valid p."""
    z = -ndtri(np.maximum(stdtr(episodes - 1, -seen), LEAST_P))
    x = DENSITY * episodes
    exponent = np.maximum(z, 0.0) ** 2 * x / (2 * (x + 1))
    with np.errstate(divide="ignore", over="ignore"):
        p: Floats = np.sqrt(x + 1) / (2 * np.expm1(exponent))
    return np.clip(p, LEAST_P, 1.0)
