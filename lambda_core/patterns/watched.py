"""An adaptation as it was watched, step by step: numbers only, for a process that has no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_core.patterns.plan import AdaptationPlan


@dataclass(frozen=True)
class StepState:
    """The state after `step` inner steps.

    support_loss, query_loss: mean cross-entropy; accuracy: of the queries, 0 to 1; predictions: (Q,) int64 labels;
    probabilities: (Q, ways) float32.
    """

    step: int
    support_loss: float
    query_loss: float
    accuracy: float
    predictions: NDArray[np.int64]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class Trace:
    """states: one a step, the unadapted state first. milliseconds: adaptation time up to each step, timed alone."""

    states: tuple[StepState, ...]
    milliseconds: tuple[float, ...]
    plan: AdaptationPlan


@dataclass(frozen=True)
class Sine:
    """A regression adapted step by step: support points, true curve, and the fit after each step on `x`.

    support: (K, 2); x, truth: (points,); fits: steps + 1 of (points,); losses: support loss of each fit.
    """

    support: NDArray[np.float32]
    x: NDArray[np.float32]
    truth: NDArray[np.float32]
    fits: tuple[NDArray[np.float32], ...]
    losses: tuple[float, ...]
