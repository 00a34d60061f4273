"""One difference for three populations: new episodes of these classes, new classes, new trainings of the recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from lambda_core.errors import SelectionError
from lambda_core.selection.paired_tests import Floats, Interval, check_confidence
from lambda_core.selection.variance.class_effects import ClassEffects


@dataclass(frozen=True)
class Populations:
    """A mean with its interval for each population that it may be said of, each wider than the one before.

    episodes: these trainings and these classes, new episodes. classes: new classes as well; None where the classes of
    the episodes are not known or cannot be told apart. trainings: new trainings of the same recipe as well; None where
    there is one training only. of_classes: what `classes` rests on. episode_variance: between episodes, their classes
    included. between_trainings: variance of a training's own mean. Variances in squared units.
    """

    episodes: Interval
    classes: Interval | None
    trainings: Interval | None
    of_classes: ClassEffects | None
    episode_variance: float
    between_trainings: float | None
    counted_episodes: int
    counted_trainings: int

    @classmethod
    def of(cls, values: Floats, classes: NDArray[np.int64] | None = None, confidence: float = 0.95) -> Self:
        """values: (trainings, episodes), any unit; all trainings on the same episodes. classes: (episodes, ways).

        For new trainings, half the interval is the root of two squares: half that for new classes (or episodes, where
        the classes are not known), and half the t interval of the trainings' means. What belongs to both is counted
        twice, so it errs on the wide side (Zou and Donner 2008, "Construction of confidence limits about effect
        measures", Statistics in Medicine 27:1693).
        Raises SelectionError.
        """
        check_confidence(confidence)
        if values.ndim != 2 or values.shape[1] < 2:
            raise SelectionError("an interval needs the values of at least two episodes, a row a training")
        mean, n = values.mean(axis=0), values.shape[1]
        effects = None if classes is None else _effects(mean, classes)
        means, estimate, own = values.mean(axis=1), float(mean.mean()), float(mean.var(ddof=1))
        half = _half_width(own / n, n - 1, confidence)
        wider = half if effects is None else _half_width(effects.mean_variance, effects.freedom, confidence)
        between = float(means.var(ddof=1)) if len(means) > 1 else None
        of_trainings = 0.0 if between is None else _half_width(between / len(means), len(means) - 1, confidence)
        return cls(
            episodes=Interval.around(estimate, half),
            classes=None if effects is None else Interval.around(estimate, max(half, wider)),
            trainings=None if between is None else Interval.around(estimate, math.hypot(wider, of_trainings)),
            of_classes=effects,
            episode_variance=own,
            between_trainings=between,
            counted_episodes=n,
            counted_trainings=len(values),
        )

    def as_dict(self) -> dict[str, dict[str, float] | None]:
        """Each population's interval, fit for JSON; null where it is not known."""
        known = {"episodes": self.episodes, "classes": self.classes, "trainings": self.trainings}
        return {name: None if each is None else each.as_dict("degradation") for name, each in known.items()}

    @property
    def widest(self) -> Interval:
        """The interval of the largest population that these numbers can speak of."""
        return self.trainings or self.classes or self.episodes


def _effects(values: Floats, classes: NDArray[np.int64]) -> ClassEffects | None:
    try:
        return ClassEffects.of(values, classes)
    except SelectionError:
        return None


def _half_width(variance: float, freedom: float, confidence: float) -> float:
    return math.sqrt(variance) * float(stdtrit(freedom, (1 + confidence) / 2))
