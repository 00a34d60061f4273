"""The rule of before, kept to be compared with: t tests corrected by Holm, ties within the spread of raw times.

What was wrong with it: a t test is too sure where few episodes differ, and calls no difference at all certain; each
threshold and each look at more episodes was a test for itself; costs tied that differ by less than the spread of their
raw times, which more rounds never shrink, and the reference could win such a tie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from lambda_core.selection import Comparison, Floats, PairedDifference


def earlier_row(comparison: Comparison, threshold: float, confidence: float = 0.95) -> int:
    """The row that was chosen."""
    table, reference = comparison.candidates, comparison.reference
    cost = table["milliseconds"].to_numpy(float)
    spread = (table["milliseconds_high"] - table["milliseconds_low"]).to_numpy(float)
    pool = passes_by_t_tests(comparison.degradation, threshold, confidence, reference) & (cost <= cost[reference])
    best = int(np.where(pool, cost, np.inf).argmin())
    ties = pool & (cost - cost[best] <= (spread + spread[best]) / 2)
    return int(np.where(ties, table["accuracy"].to_numpy(float), -np.inf).argmax())


def passes_by_t_tests(
    degradation: PairedDifference, threshold: float, confidence: float = 0.95, reference: int | None = None
) -> NDArray[np.bool_]:
    """(candidates,) which passed; the reference always."""
    looked_at = np.arange(len(degradation.mean)) != reference
    passing = ~looked_at
    passing[looked_at] = holm(p_of_t(degradation, threshold)[looked_at]) <= 1 - confidence
    return passing


def p_of_t(degradation: PairedDifference, threshold: float) -> Floats:
    """One-sided p values of "loses at most `threshold` points"; 0 or 1 where nothing varies."""
    varies = degradation.error > 0
    t = (degradation.mean - threshold) / np.where(varies, degradation.error, 1.0)
    p: Floats = np.where(varies, stdtr(degradation.episodes - 1, t), degradation.mean > threshold)
    return p


def holm(p: Floats) -> Floats:
    """Adjusted p values: the smallest counts n-fold, the next n − 1-fold, …, and none less than one before it."""
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted
