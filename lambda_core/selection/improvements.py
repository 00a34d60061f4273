"""Patterns that beat the full one at the same step count: the paper's second finding, tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lambda_core.errors import SelectionError
from lambda_core.patterns import full_like
from lambda_core.selection.candidates import candidate_index, episode_matrix, own_step_size
from lambda_core.selection.paired_tests import PairedDifference, check_confidence, half_width_of_mean, holm


@dataclass(frozen=True)
class PatternGain:
    """Accuracy after `steps` steps: full against the best other pattern, picked on one split, told of another.

    Accuracies 0 to 1; gains in points, paired, with a two-sided interval; p_value: one-sided, for "better than full".
    """

    steps: int
    pattern: str
    lr: float
    accuracy: float
    full_accuracy: float
    full_accuracy_low: float
    full_accuracy_high: float
    gain: float
    gain_low: float
    gain_high: float
    p_value: float
    better: bool
    episodes: int


def better_than_full(
    accuracy: pd.DataFrame,
    confidence: float = 0.95,
    *,
    steps: Sequence[int] | None = None,
    any_lr: bool = False,
    lr: float | None = None,
) -> pd.DataFrame:
    """Every pattern against the full one at the same step count and the study's own step size, highest gain first.

    accuracy: one split. steps: the step counts to look at, all if None. lr: the study's own step size, found if None.
    Returns pattern, steps, lr, accuracy, full_accuracy, gain, gain_low, gain_high (points, paired t interval),
    p_value (one-sided, for "better than full"), p_adjusted (Holm over all rows) and better.
    """
    check_confidence(confidence)
    candidates, matrix = episode_matrix(accuracy)
    own = own_step_size(candidates, lr)
    full = _full_rows(candidates, own, steps)
    rows = _rivals(candidates, full, own, any_lr)
    against = candidates["steps"].iloc[rows].map(full).to_numpy()
    paired = PairedDifference.of(100 * (matrix[rows] - matrix[against]))
    half, p = paired.half_width(confidence), paired.p_above(0.0)
    adjusted = holm(p)
    table = candidates.iloc[rows].assign(
        accuracy=matrix[rows].mean(axis=1),
        full_accuracy=matrix[against].mean(axis=1),
        gain=paired.mean,
        gain_low=paired.mean - half,
        gain_high=paired.mean + half,
        p_value=p,
        p_adjusted=adjusted,
        better=adjusted <= 1 - confidence,
    )
    return table.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def best_gain_at(
    picked_on: pd.DataFrame,
    told_of: pd.DataFrame,
    confidence: float = 0.95,
    *,
    steps: int = 1,
    any_lr: bool = False,
    lr: float | None = None,
) -> PatternGain:
    """Pick the most accurate pattern other than full on one split (val), report it on another (test): one look."""
    best = better_than_full(picked_on, confidence, steps=[steps], any_lr=any_lr, lr=lr).iloc[0]
    return _told(told_of, best, confidence, lr)


def best_gain(
    picked_on: pd.DataFrame,
    told_of: pd.DataFrame,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    lr: float | None = None,
) -> PatternGain | None:
    """The pattern that beats the full one by most at any step count, shown on one split (corrected over all), reported
    on another; None if no pattern is shown to beat it.
    """
    table = better_than_full(picked_on, confidence, any_lr=any_lr, lr=lr)
    shown = table[table["better"]]
    return None if shown.empty else _told(told_of, shown.iloc[0], confidence, lr)


def _told(told_of: pd.DataFrame, best: pd.Series, confidence: float, lr: float | None) -> PatternGain:
    """What another split says of a pattern already picked: one look, so uncorrected."""
    candidates, matrix = episode_matrix(told_of)
    steps, own = int(best["steps"]), own_step_size(candidates, lr)
    full = matrix[candidate_index(candidates, full_like(best["pattern"]), steps, own)]
    chosen = matrix[candidate_index(candidates, best["pattern"], steps, best["lr"])]
    paired = PairedDifference.of(100 * (chosen - full)[None])
    gain, half = float(paired.mean[0]), float(paired.half_width(confidence)[0])
    spread, p = float(half_width_of_mean(full[None])[0]), float(paired.p_above(0.0)[0])
    return PatternGain(
        steps=steps,
        pattern=best["pattern"],
        lr=float(best["lr"]),
        accuracy=float(chosen.mean()),
        full_accuracy=float(full.mean()),
        full_accuracy_low=float(full.mean()) - spread,
        full_accuracy_high=float(full.mean()) + spread,
        gain=gain,
        gain_low=gain - half,
        gain_high=gain + half,
        p_value=p,
        better=p <= 1 - confidence,
        episodes=paired.episodes,
    )


def _full_rows(candidates: pd.DataFrame, own: float, steps: Sequence[int] | None) -> dict[int, int]:
    """Step count → row of the full pattern at the study's own step size."""
    is_full = (candidates["pattern"].str.strip("1") == "") & np.isclose(candidates["lr"], own)
    asked = is_full if steps is None else is_full & candidates["steps"].isin(steps)
    rows = np.flatnonzero(asked)
    return {int(candidates["steps"].iloc[row]): int(row) for row in rows}


def _rivals(candidates: pd.DataFrame, full: dict[int, int], own: float, any_lr: bool) -> np.ndarray:
    kept = candidates["steps"].isin(list(full)).to_numpy(copy=True)
    if not any_lr:
        kept &= np.isclose(candidates["lr"], own)
    kept[list(full.values())] = False
    if not kept.any():
        raise SelectionError("no other pattern was measured at a step count where the full pattern was")
    return np.flatnonzero(kept)
