"""How much of the spread between episodes is that of their classes.

An episode's value is taken for a mean, plus the average of one effect for each of its classes, plus a rest of its own.
Two episodes that share a class are alike for that reason, which an interval over episodes does not see: however many
are drawn from 20 classes, they are still 20 classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lambda_core.errors import SelectionError
from lambda_core.selection.paired_tests import Floats

CAUTION = 0.75  # standard errors added to the variance between classes: 0.5 covers 93 % at worst, 1 covers 97 %


@dataclass(frozen=True)
class ClassEffects:
    """Variances of a linear mixed model, and of the mean under it, in squared units of the values.

    between_classes: variance of one class's effect, 0 where none is seen. rest: of an episode's own part.
    share: sum of the squared shares that the classes have in the mean; 1 / share is how many they are worth.
    mean_variance: of the mean, for new classes and new episodes. freedom: its degrees of freedom.
    """

    between_classes: float
    rest: float
    share: float
    mean_variance: float
    freedom: float

    @classmethod
    def of(cls, values: Floats, classes: NDArray[np.int64]) -> Self:
        """values: (episodes,). classes: (episodes, ways), equal numbers for equal classes.

        The variances are those that give two sums of squares (of the values, and of their sums over each class) the
        sizes that the model expects: MINQUE(0) (Rao 1970, "Estimation of heteroscedastic variances in linear models",
        JASA 65:161). With few classes that estimate is rough, and often zero where there is something: so the variance
        of the mean takes CAUTION standard errors more, and never less than new episodes of the same classes would
        give. tests/selection/variance holds the coverage that follows. Raises SelectionError where there are fewer than
        3 episodes, or where all have the same classes.
        """
        n, design = len(values), _design(values, classes)
        centred, deviation = design - design.mean(axis=0), values - values.mean()
        scales = np.clip(np.linalg.eigvalsh(centred.T @ centred), 0.0, None)  # of the classes' part in the values
        own, square = float(scales.sum()), float((scales**2).sum())
        determinant = square * (n - 1) - own**2
        if n < 3 or own < 1e-9 or determinant <= 1e-9 * square * n:
            raise SelectionError("episodes of other classes are needed to tell what the classes do")
        total = float(deviation @ deviation)
        weights = np.array([n - 1, -own]) / determinant
        seen = float(weights @ [float(((centred.T @ deviation) ** 2).sum()), total])
        between, rest = _split(seen, total, own, n)
        error = _error(weights, scales, n, between, rest)
        share, least = float((design.mean(axis=0) ** 2).sum()), total / (n - 1) / n
        wide, rest_then = _split(seen + CAUTION * error, total, own, n)
        variance = max(share * wide + rest_then / n, least)
        return cls(between, rest, share, variance, _freedom(variance, least, 1 / share, n))


def _design(values: Floats, classes: NDArray[np.int64]) -> Floats:
    """(episodes, classes): 1 / ways where an episode has a class."""
    if classes.shape[:1] != values.shape:
        raise SelectionError(f"{len(values)} values have the classes of {len(classes)} episodes")
    names, places = np.unique(classes, return_inverse=True)
    design = np.zeros((len(values), len(names)))
    np.add.at(design, (np.arange(len(values))[:, None], places.reshape(classes.shape)), 1 / classes.shape[1])
    return design


def _split(between: float, total: float, own: float, n: int) -> tuple[float, float]:
    """(between, rest), neither below zero: what the classes do not explain of the sum of squares is the rest."""
    between = max(between, 0.0)
    return between, max((total - between * own) / (n - 1), 0.0)


def _error(weights: Floats, scales: Floats, n: int, between: float, rest: float) -> float:
    """Standard error of the variance between classes, values being normal: that of a quadratic form."""
    all_scales = np.concatenate([scales, np.zeros(max(n - 1 - len(scales), 0))])
    form = (weights[0] * all_scales + weights[1]) * (between * all_scales + rest)
    return float(np.sqrt(2 * (form**2).sum()))


def _freedom(variance: float, least: float, classes: float, n: int) -> float:
    """Satterthwaite's (1946, Biometrics Bulletin 2:110): what the classes add is known as well as their number lets."""
    if variance == 0:
        return float(n - 1)
    return variance**2 / ((variance - least) ** 2 / max(classes - 1, 1.0) + least**2 / (n - 1))
