"""The two rules of a selection on plain arrays: which candidates pass, and which of those is the fastest."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lambda_core.selection.paired_tests import Floats, PairedDifference, holm

Verdict = Literal["pass", "fail", "undecided"]


def judge(
    degradation: PairedDifference, threshold: float, confidence: float, reference: int | None = None
) -> tuple[NDArray[Any], Floats]:
    """Verdicts (candidates,) and the p values behind "pass", adjusted over all candidates but the reference.

    pass: degradation ≤ threshold is shown; fail: degradation > threshold is shown. Each family of claims holds
    with `confidence` for all its members at once (Holm 1979), whatever the correlations. The reference passes.
    """
    looked_at = np.arange(len(degradation.mean)) != reference
    passing, failing = np.zeros(len(looked_at)), np.ones(len(looked_at))
    passing[looked_at] = holm(degradation.p_at_most(threshold)[looked_at])
    failing[looked_at] = holm(degradation.p_above(threshold)[looked_at])
    level = 1 - confidence
    return np.where(passing <= level, "pass", np.where(failing <= level, "fail", "undecided")), passing


def fastest(passing: NDArray[np.bool_], cost: Floats, spread: Floats, accuracy: Floats, reference: int) -> int:
    """The cheapest of the passing candidates, or the reference if none is as cheap.

    cost, spread, accuracy: (candidates,). Costs that differ by less than their mean spread tie with the cheapest;
    a tie goes to the more accurate.
    """
    pool = passing & (cost <= cost[reference])
    pool[reference] = True
    best = int(np.where(pool, cost, np.inf).argmin())
    ties = pool & (cost - cost[best] <= (spread + spread[best]) / 2)
    return int(np.where(ties, accuracy, -np.inf).argmax())
