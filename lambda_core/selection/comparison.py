"""The fastest pattern whose loss of accuracy is shown to stay within a threshold, with a stated error rate.

Tables are those of a study, one split each; accuracies are 0 to 1, degradations and thresholds in percentage points.
Everything is paired by episode. Each candidate has an upper bound, "loses at most so many points"; all of them hold at
once with the confidence asked for, at every number of episodes (`verdicts.simultaneous_bounds`). A candidate passes
where its bound is within the threshold: so a threshold may be tried after another, and episodes be added, and still the
chance that *any* truly worse candidate is ever called a pass stays below 1 − confidence. For whom: new episodes of the
split's classes, with this model. benchmarks/calibration shows how often it fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.errors import SelectionError
from lambda_core.formatting import kilobytes
from lambda_core.patterns import full_like
from lambda_core.selection.candidates import (
    Candidate,
    OneSplit,
    candidate_index,
    candidates_of,
    own_step_size,
    same_step_size,
    scores_of,
)
from lambda_core.selection.choice import Choice
from lambda_core.selection.paired_tests import (
    Floats,
    Interval,
    PairedDifference,
    check_confidence,
    check_threshold,
    half_width_of_mean,
)
from lambda_core.selection.pareto import memory_front, pareto_front
from lambda_core.selection.speed import (
    AXES,
    Axis,
    SpeedUps,
    candidate_costs,
    chance_near_fastest,
    speed_ups_by,
    zone_of,
)
from lambda_core.selection.verdicts import adjusted_p, fastest_that_fits, simultaneous_bounds, verdicts_at

MOST = 100.0  # points: the largest threshold


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that the tables say about the candidates, before any threshold; asking it with a new one costs little.

    candidates: pattern, steps, lr, accuracy, accuracy_low/high (95 %), milliseconds (median), milliseconds_low/high
    (quartiles), multiply_adds, peak_bytes, speed_up with its interval, on_front, on_memory_front, reference.
    degradation: paired with the reference, in points. bounds, counted: `bounds_at` and `finalists` by confidence, once
    asked.
    """

    candidates: pd.DataFrame
    degradation: PairedDifference
    speed_ups: SpeedUps
    reference: int
    axis: Axis
    bounds: dict[float, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)
    counted: dict[tuple[float, int | None, int | None], int] = field(default_factory=dict, repr=False)

    def bounds_at(self, confidence: float) -> tuple[Floats, Floats]:
        """`simultaneous_bounds` of the degradations, lower and upper, points: every threshold's verdicts."""
        check_confidence(confidence)
        if confidence not in self.bounds:
            self.bounds[confidence] = simultaneous_bounds(self.degradation, confidence, self.reference)
        return self.bounds[confidence]

    def table(self, threshold: float, confidence: float = 0.95) -> pd.DataFrame:
        """One row a candidate: `candidates` with degradation and its bounds, p_adjusted, differing and verdict."""
        check_threshold(threshold)
        low, high = self.bounds_at(confidence)
        return self.candidates.assign(
            degradation=self.degradation.mean,
            degradation_low=low,
            degradation_high=high,
            differing=self.degradation.differing,
            p_adjusted=adjusted_p(self.degradation, threshold, self.reference),
            verdict=verdicts_at(threshold, low, high),
        )

    def choose(
        self, threshold: float, confidence: float = 0.95, memory: int | None = None, *, steps: int | None = None
    ) -> Choice:
        """The fastest candidate that passes; the reference itself if nothing faster does.

        threshold: points. memory: bytes that it may need at its most; None: any number. steps: choose among candidates
        of so many steps only; the bounds stay those of all. Raises SelectionError for a threshold or confidence that
        no honest choice can be made with, and where nothing that passes fits.
        """
        table = self.table(threshold, confidence)
        row, offered = self.row_at(threshold, confidence, memory, steps), self._offered(memory, steps)
        if row is None:
            raise SelectionError(self._nothing_fits(table, memory))
        chosen = table.iloc[row]
        candidate, reference = candidates_of(table.iloc[[row, self.reference]])
        return Choice(
            candidate=candidate,
            reference=reference,
            speed=_interval(chosen, "speed_up"),
            near_fastest=self._near_fastest(row, offered & (table["verdict"] == "pass").to_numpy()),
            degradation=_interval(chosen, "degradation"),
            accuracy=float(chosen["accuracy"]),
            milliseconds=float(chosen["milliseconds"]),
            multiply_adds=int(chosen["multiply_adds"]),
            peak_bytes=None if np.isnan(chosen["peak_bytes"]) else int(chosen["peak_bytes"]),
            memory=memory,
            threshold=float(threshold),
            confidence=float(confidence),
            episodes=self.degradation.episodes,
            candidates=len(table) - 1,
            finalists=self._asked_about(confidence, memory, steps),
            axis=self.axis,
            verdicts=table,
        )

    def finalists(self, confidence: float = 0.95, memory: int | None = None, steps: int | None = None) -> int:
        """How many different candidates, the reference apart, the thresholds from 0 to 100 points choose.

        So many may be asked about on test classes, whichever threshold is looked at. memory, steps: as in `choose`.
        """
        asked = (confidence, memory, steps)
        if asked not in self.counted:
            _, high = self.bounds_at(confidence)
            offered = self._offered(memory, steps)
            if offered[self.reference]:  # what is dearer is never chosen
                offered &= self.speed_ups.cost < self.speed_ups.cost[self.reference]
            thresholds = np.unique(np.clip(high[offered & (high <= MOST)], 0.0, None))
            rows = {self.row_at(float(threshold), *asked) for threshold in thresholds}
            self.counted[asked] = len(rows - {None, self.reference})
        return self.counted[asked]

    def _asked_about(self, confidence: float, memory: int | None, steps: int | None) -> int:
        """Finalists of all candidates, and those among the ones that are offered."""
        restricted = memory is not None or steps is not None
        return self.finalists(confidence) + (self.finalists(confidence, memory, steps) if restricted else 0)

    def row_at(
        self, threshold: float, confidence: float, memory: int | None = None, steps: int | None = None
    ) -> int | None:
        """Row of the candidate that `choose` chooses; None where nothing fits into `memory` bytes."""
        _, high = self.bounds_at(confidence)
        zone, offered = zone_of(self.axis), self._offered(memory, steps)
        return fastest_that_fits(high <= threshold, self.speed_ups.cost, high, self.reference, zone, offered)

    def fits(self, memory: int | None) -> NDArray[np.bool_]:
        """(candidates,) which need at most so many bytes. Raises SelectionError where that was not counted."""
        return fitting(self.candidates, memory)

    def _nothing_fits(self, table: pd.DataFrame, memory: int | None) -> str:
        least = table[table["verdict"] == "pass"].sort_values("peak_bytes").iloc[0]
        return (
            f"nothing that passes fits into {kilobytes(memory or 0)}: the smallest that does, {least['pattern']} for "
            f"{least['steps']} steps, needs {kilobytes(int(least['peak_bytes']))}"
        )

    def _offered(self, memory: int | None, steps: int | None) -> NDArray[np.bool_]:
        """(candidates,) that fit into so many bytes and have so many steps, if that is asked."""
        fitting = self.fits(memory)
        return fitting if steps is None else fitting & (self.candidates["steps"] == steps).to_numpy()

    def _near_fastest(self, row: int, passing: NDArray[np.bool_]) -> float:
        logs = self.speed_ups.logs
        return 1.0 if logs is None else chance_near_fastest(logs, row, passing)


def fitting(candidates: pd.DataFrame, memory: int | None) -> NDArray[np.bool_]:
    """(candidates,) which need at most so many bytes, by their column peak_bytes; None: any number.

    Raises SelectionError where that was not counted.
    """
    peaks = candidates["peak_bytes"].to_numpy(float)
    if memory is None:
        return np.ones(len(peaks), dtype=bool)
    if np.isnan(peaks).any():
        raise SelectionError("this study's memory was not counted; lambda-core time STUDY --memory-only counts it")
    found: NDArray[np.bool_] = peaks <= memory
    return found


def compare_candidates(
    accuracy: OneSplit,
    timing: pd.DataFrame | None,
    reference_steps: int,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
    lr: float | None = None,
) -> Comparison:
    """Pair every candidate with the full pattern at `reference_steps` and the study's own step size.

    accuracy, timing: of a study, one split and one timing condition.
    any_lr: look at step sizes other than the study's own too. lr: the study's own; found from the tables if None.
    axis: what speed-up and fastest are about, milliseconds or multiply_adds.
    Raises SelectionError where the tables lack the reference or a cost, or cannot be compared.
    """
    if axis not in AXES:
        raise SelectionError(f"speed is measured in {' or '.join(AXES)}, not {axis!r}")
    scores = scores_of(accuracy)
    own_lr = own_step_size(scores.candidates, lr)
    compared = scores if any_lr else scores.of(same_step_size(scores.candidates["lr"], own_lr))
    candidates, matrix = compared.candidates, compared.matrix()
    full = Candidate(full_like(candidates["pattern"].iloc[0]), reference_steps, own_lr)
    reference = candidate_index(candidates, full)
    costs = candidate_costs(candidates, timing)
    assert timing is not None  # refused with the costs
    speed_ups = speed_ups_by(axis, candidates, timing, costs, reference)
    half = half_width_of_mean(matrix)
    mean = matrix.mean(axis=1)
    described = candidates.assign(
        accuracy=mean,
        accuracy_low=np.maximum(mean - half, 0.0),
        accuracy_high=np.minimum(mean + half, 1.0),
        **costs,
        **speed_ups.columns(),
        reference=np.arange(len(candidates)) == reference,
    )
    described["on_front"] = pareto_front(described, cost=axis)
    described["on_memory_front"] = memory_front(described, cost=axis)
    return Comparison(described, PairedDifference.in_points(matrix[reference], matrix), speed_ups, reference, axis)


def candidate_table(
    accuracy: pd.DataFrame,
    timing: pd.DataFrame,
    reference_steps: int,
    threshold: float,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
) -> pd.DataFrame:
    """One row a candidate with cost, accuracy, degradation and verdict: see Comparison, and keep it to ask again."""
    return compare_candidates(accuracy, timing, reference_steps, any_lr=any_lr, axis=axis).table(threshold, confidence)


def select_pattern(
    accuracy: pd.DataFrame,
    timing: pd.DataFrame,
    reference_steps: int,
    threshold: float,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
) -> Choice:
    """The fastest candidate shown to lose at most `threshold` points, wrong with a chance below 1 − confidence.

    accuracy: split, pattern, steps, lr, episode, accuracy (0 to 1), of one split (validation).
    timing: pattern, steps, device, threads, milliseconds, multiply_adds, of one device and thread count.
    reference_steps: step count of the full pattern that all are compared with. threshold: points.
    any_lr: choose over all step sizes in the table. axis: what fastest means, milliseconds or multiply_adds.
    Raises SelectionError for tables or settings that no honest choice can be made with.
    """
    return compare_candidates(accuracy, timing, reference_steps, any_lr=any_lr, axis=axis).choose(threshold, confidence)


def budget_curve(
    comparison: Comparison, thresholds: Floats | list[float], confidence: float = 0.95, memory: int | None = None
) -> pd.DataFrame:
    """What each threshold buys: threshold (points), speed_up, pattern, steps, lr, accuracy.

    memory: bytes that may be needed; thresholds within which nothing fits are left out.
    """
    for threshold in thresholds:
        check_threshold(float(threshold))
    found = {float(threshold): comparison.row_at(float(threshold), confidence, memory) for threshold in thresholds}
    rows = {threshold: row for threshold, row in found.items() if row is not None}
    columns = ["speed_up", "pattern", "steps", "lr", "accuracy"]
    chosen = comparison.candidates.iloc[list(rows.values())][columns].reset_index(drop=True)
    chosen.insert(0, "threshold", np.asarray(list(rows), dtype=float))
    return chosen


def _interval(row: pd.Series, name: str) -> Interval:
    return Interval(*(float(row[each]) for each in (name, f"{name}_low", f"{name}_high")))
