"""Worlds with class effects: each class's drawn anew, the rest of an episode resampled from what was measured."""

from __future__ import annotations

import numpy as np

from benchmarks.calibration.rates import Rate
from benchmarks.calibration.replays import half_of
from lambda_core.errors import SelectionError
from lambda_core.selection import ClassEffects, PairedDifference, Populations
from lambda_core.studies import Study

WHAT = (
    "interval for new classes leaves out the mean over new classes",
    "interval for new episodes leaves out the mean over new classes",
    "upper bound lies below the mean over the same classes",
)


def misses(study: Study, draws: int) -> list[Rate]:
    """Of WHAT, in worlds with the variances between classes and episodes that the study's patterns have, in turn.

    The classes of the episodes are those of the study's validation episodes.
    """
    rng, half, missed = np.random.default_rng(0), half_of(study, "val"), []
    names, places = np.unique(half.classes, return_inverse=True)
    places = places.reshape(half.classes.shape)
    for draw in range(draws):
        measured = half.lost[draw % len(half.lost)]
        try:
            effects = ClassEffects.of(measured, half.classes)
        except SelectionError:
            continue
        own = rng.normal(0, np.sqrt(effects.between_classes), len(names))
        spread = measured.std() or 1.0
        rest = rng.permutation(measured - measured.mean()) * np.sqrt(effects.rest) / spread
        rest = rng.choice(rest, len(rest))
        values = own[places].mean(axis=1) + rest
        seen = Populations.of(values[None], half.classes)
        assert seen.classes is not None
        bound = PairedDifference.of(values[None]).upper(0.05).item()
        missed.append([not low <= 0 <= high for _, low, high in (seen.classes, seen.episodes)] + [bound < own.mean()])
    return [Rate(int(count), len(missed)) for count in np.sum(missed, axis=0)]
