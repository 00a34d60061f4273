"""Split-half replays over classes: what is chosen on some classes of a study, asked of classes that those never saw.

The halves are a study's validation and test classes, each chosen on and judged on in turn; and random halves of the
classes of either split, with the episodes whose classes all lie in one half. Two halves are samples of the same
population of classes, so the difference of their means should lie within their joined intervals as often as these say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_core.analysis import default_condition
from lambda_core.patterns import full_like
from lambda_core.selection import (
    Choice,
    Confirmation,
    Floats,
    Populations,
    compare_candidates,
    confirm,
    episode_matrix,
    rows_under,
    same_step_size,
)
from lambda_core.studies import Study

THRESHOLDS = (0.5, 1.0, 2.0)
SPLITS = ("val", "test")
DIVISIONS = 20  # random halves of the classes of a split
LEAST = 8  # episodes that a half must have


@dataclass(frozen=True, eq=False)
class Half:
    """lost: (patterns, episodes), points below the full pattern at the study's own steps. classes: (episodes, ways)."""

    lost: Floats
    classes: NDArray[np.int64]

    def within(self, chosen: NDArray[np.int64]) -> Half:
        """The episodes whose classes are all among the chosen ones."""
        kept = np.isin(self.classes, chosen).all(axis=1)
        return Half(self.lost[:, kept], self.classes[kept])


def half_of(study: Study, split: str) -> Half:
    candidates, matrix = episode_matrix(study.split(split))
    own = same_step_size(candidates["lr"], study.config.lr) & (candidates["steps"] == study.config.steps).to_numpy()
    full = candidates["pattern"] == full_like(candidates["pattern"].iloc[0])
    reference = np.flatnonzero(own & full)[0]
    classes = study.classes(split)
    assert classes is not None
    return Half(100 * (matrix[reference] - matrix[own & ~full]), classes)


def halves(study: Study) -> Iterator[tuple[Half, Half]]:
    """The two splits; then as many random divisions of each as leave LEAST episodes on both sides."""
    splits = [half_of(study, split) for split in SPLITS]
    yield splits[0], splits[1]
    rng = np.random.default_rng(0)
    for split in splits:
        names = np.unique(split.classes)
        for _ in range(DIVISIONS):
            mixed = rng.permutation(names)
            one, other = (split.within(part) for part in np.array_split(mixed, 2))
            if min(one.lost.shape[1], other.lost.shape[1]) >= LEAST:
                yield one, other


def covered(one: Half, other: Half) -> Iterator[tuple[bool, bool]]:
    """For each pattern: whether the halves' means agree by the intervals for new classes, and by those for episodes."""
    for here, there in zip(one.lost, other.lost, strict=True):
        first, second = Populations.of(here[None], one.classes), Populations.of(there[None], other.classes)
        apart = abs(first.episodes.estimate - second.episodes.estimate)
        if first.classes is not None and second.classes is not None:
            yield (
                apart <= np.hypot(first.classes.half_width, second.classes.half_width) + 1e-9,
                apart <= np.hypot(first.episodes.half_width, second.episodes.half_width) + 1e-9,
            )


def choices(study: Study) -> Iterator[tuple[Choice, Confirmation]]:
    """Chosen on one split's classes at each of THRESHOLDS, judged on the other's; both ways round."""
    timing = rows_under(study.times(), default_condition(study))
    for here, there in (SPLITS, SPLITS[::-1]):
        comparison = compare_candidates(study.split(here), timing, study.config.steps, lr=study.config.lr)
        for threshold in THRESHOLDS:
            choice = comparison.choose(threshold)
            if not choice.is_reference:
                yield choice, confirm(choice, study.split(there))
