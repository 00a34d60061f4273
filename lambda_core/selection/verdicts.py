"""The two rules of a selection on plain arrays: which candidates pass, and which of those is the fastest."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lambda_core.selection.paired_tests import Floats, PairedDifference, bonferroni

Verdict = Literal["pass", "fail", "undecided"]


def simultaneous_bounds(
    degradation: PairedDifference, confidence: float, reference: int | None = None
) -> tuple[Floats, Floats]:
    """Lower and upper bounds (candidates,) of the true degradations, points; the reference's are 0.

    All upper ones hold with `confidence` at once, whatever the correlations, at every number of episodes; so do all
    lower ones. Every threshold's verdicts follow from them.
    """
    is_reference = np.arange(len(degradation.mean)) == reference
    alpha = (1 - confidence) / max(1, int((~is_reference).sum()))
    low, high = degradation.lower(alpha), degradation.upper(alpha)
    return np.where(is_reference, 0.0, low), np.where(is_reference, 0.0, high)


def verdicts_at(threshold: float, low: Floats, high: Floats) -> NDArray[Any]:
    """(candidates,) pass: the upper bound is at most the threshold; fail: the lower one is above it."""
    return np.where(high <= threshold, "pass", np.where(low > threshold, "fail", "undecided"))


def judge(
    degradation: PairedDifference, threshold: float, confidence: float, reference: int | None = None
) -> tuple[NDArray[Any], Floats]:
    """Verdicts (candidates,) as `simultaneous_bounds` give them, and the p values behind "pass", adjusted over all but
    the reference, which passes. For one threshold p values are less work than bounds.
    """
    looked_at = np.arange(len(degradation.mean)) != reference
    failing = np.ones(len(looked_at))
    failing[looked_at] = bonferroni(degradation.p_above(threshold)[looked_at])
    passing, level = adjusted_p(degradation, threshold, reference), 1 - confidence
    return np.where(passing <= level, "pass", np.where(failing <= level, "fail", "undecided")), passing


def adjusted_p(degradation: PairedDifference, threshold: float, reference: int | None = None) -> Floats:
    """(candidates,) p values for "loses at most `threshold` points", corrected over all but the reference (its: 0)."""
    looked_at = np.arange(len(degradation.mean)) != reference
    p = np.zeros(len(looked_at))
    p[looked_at] = bonferroni(degradation.p_at_most(threshold)[looked_at])
    return p


def fastest(passing: NDArray[np.bool_], cost: Floats, bound: Floats, reference: int, zone: float) -> int:
    """The cheapest of the passing candidates; the reference only if none of them is cheaper.

    cost, bound: (candidates,), the bound being the upper one of the degradation. Candidates that cost at most `zone`
    (a share) more than the cheapest tie with it, and the one with the smallest bound wins. So a larger threshold, which
    lets more pass but changes no bound, never gives a slower choice: whoever is slower than the former choice and
    ties with the cheapest now has a larger bound than the former choice, which then ties too.
    """
    pool = passing & (cost < cost[reference])
    return _cheapest(pool, cost, bound, zone) if pool.any() else reference


def fastest_that_fits(
    passing: NDArray[np.bool_], cost: Floats, bound: Floats, reference: int, zone: float, fits: NDArray[np.bool_]
) -> int | None:
    """As `fastest`, of those that fit, (candidates,); where the reference does not, a dearer one may be chosen.

    None: nothing that passes fits.
    """
    if fits[reference]:
        return fastest(passing & fits, cost, bound, reference, zone)
    pool = passing & fits
    return _cheapest(pool, cost, bound, zone) if pool.any() else None


def _cheapest(pool: NDArray[np.bool_], cost: Floats, bound: Floats, zone: float) -> int:
    """Of a pool that is not empty."""
    ties = np.flatnonzero(pool & (cost <= (1 + zone) * cost[pool].min()))
    return int(ties[np.lexsort((cost[ties], bound[ties]))[0]])
