"""Which candidates are not worth running on: those that will hardly pass at the last look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from lambda_core.selection.paired_tests import MANY, Floats, PairedDifference
from lambda_core.selection.sequential import distance

FUTILITY = 0.02  # a candidate less likely than this to pass in the end is dropped


def is_futile(degradation: PairedDifference, threshold: float, episodes: int, level: float) -> NDArray[np.bool_]:
    """(candidates,) whose chance to pass at the last look is below FUTILITY; none where nothing has varied so far.

    Stopping for that reason is stochastic curtailment (Lan, Simon and Halperin 1982, Communications in Statistics C
    1:207). Arguments: those of `predictive_power`.
    """
    if degradation.episodes == episodes:
        return np.zeros(len(degradation.mean), dtype=bool)
    futile: NDArray[np.bool_] = predictive_power(degradation, threshold, episodes, level) < FUTILITY
    return futile & (degradation.error > 0)


def predictive_power(degradation: PairedDifference, threshold: float, episodes: int, level: float) -> Floats:
    """(candidates,) the chance that the bound at `level` passes after all N `episodes`, given the first n.

    degradation: of those n episodes, points. threshold: points. n < N.

    With mean m and standard deviation s of n differences, and no prior knowledge of the truth, the mean of all N will
    be distributed as m + s·√(1/n − 1/N)·T, with T of Student's t distribution on n − 1 degrees of freedom. The
    candidate passes where that mean is at most threshold − q·s/√N, q being the bound's distance without skewness. So

        power = P(T ≤ ((threshold − m)/s − q/√N) / √(1/n − 1/N)).

    This is the predictive power of Spiegelhalter, Freedman and Blackburn (1986, Controlled Clinical Trials 7:8).
    """
    n = degradation.episodes
    quantile = distance(episodes, MANY * level)
    deviation = np.where(degradation.error > 0, degradation.error, np.inf) * np.sqrt(n)
    ahead = (threshold - degradation.mean) / deviation - quantile / np.sqrt(episodes)
    power: Floats = stdtr(n - 1, ahead / np.sqrt(1 / n - 1 / episodes))
    return power
