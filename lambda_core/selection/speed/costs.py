"""What each candidate costs, from a timing table taken under one condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.errors import SelectionError

Axis = Literal["milliseconds", "multiply_adds"]
AXES: tuple[str, ...] = get_args(Axis)
PARTS = ("weight_bytes", "kept_bytes", "workspace_bytes")  # of the memory at its most
EXPORTED = "onnxruntime"  # what a condition calls torch where exported graphs were timed, on a device of its own
CONDITIONS = ["device", "threads", "torch", "processor"]  # times are compared only where these agree


def candidate_costs(candidates: pd.DataFrame, timing: pd.DataFrame | None) -> dict[str, NDArray[Any]]:
    """Columns for `candidates` (pattern, steps): milliseconds (median), milliseconds_low and _high (quartiles),
    multiply_adds, peak_bytes (NaN where not counted). No adaptation (0 steps) costs nothing. None of it depends on the
    step size.

    Raises SelectionError for a missing table, times of several conditions, NaN, or an untimed candidate.
    """
    if timing is None or timing.empty:
        raise SelectionError("this study has no timing yet; lambda-core time makes it")
    _check_one_condition(timing)
    _check_finite(timing)
    milliseconds = by_round(candidates, timing, "milliseconds")
    untimed = np.isnan(milliseconds).all(axis=1)
    if untimed.any():
        pattern, steps = candidates[["pattern", "steps"]].iloc[int(untimed.argmax())]
        raise SelectionError(f"pattern {pattern} at {steps} steps was not timed; run lambda-core time again")
    percentile = np.nanpercentile if np.isnan(milliseconds).any() else np.percentile  # the first asks row by row
    low, median, high = percentile(milliseconds, [25, 50, 75], axis=1)
    counted = np.nanmedian(by_round(candidates, timing, "multiply_adds"), axis=1)
    return {
        "milliseconds": median,
        "milliseconds_low": low,
        "milliseconds_high": high,
        "multiply_adds": counted.astype(np.int64),
        "peak_bytes": _peak_bytes(candidates, timing),
    }


def _peak_bytes(candidates: pd.DataFrame, timing: pd.DataFrame) -> NDArray[np.float64]:
    """(candidates,) what is needed at most; NaN where that was not counted, which tables tell by 0 in all parts."""
    parts = [by_round(candidates, timing, name) for name in PARTS if name in timing]
    if len(parts) < len(PARTS):
        return np.full(len(candidates), np.nan)
    peaks: NDArray[np.float64] = np.nanmax(np.sum(parts, axis=0), axis=1)
    return np.where((peaks == 0) & (candidates["steps"] > 0).to_numpy(), np.nan, peaks)


def by_round(candidates: pd.DataFrame, timing: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """(candidates, rounds) values of a column of `timing`, NaN where a candidate did not run in a round.

    candidates: pattern, steps; no adaptation (0 steps) costs 0. Of several rows in one round the last counts.
    """
    texts = timing["pattern"].astype("category")
    steps, rounds = timing["steps"].to_numpy(np.int64), pd.factorize(timing["repeat"])[0]
    asked = candidates["steps"].to_numpy(np.int64)
    shape = (len(texts.cat.categories) + 1, int(max(steps.max(), asked.max())) + 1, int(rounds.max()) + 1)
    values = np.full(shape, np.nan)  # the last pattern is one that was not timed
    values[texts.cat.codes, steps, rounds] = timing[name].to_numpy(float)
    known = texts.cat.categories.get_indexer(candidates["pattern"].to_numpy(object))
    found: NDArray[np.float64] = values[known, asked]
    found[asked == 0] = 0.0
    return found


@dataclass(frozen=True)
class TimingCondition:
    """What times were taken under; they are compared only where it agrees.

    torch, processor (of a GPU: its name): None where the table does not tell them.
    """

    device: str
    threads: int
    torch: str | None = None
    processor: str | None = None

    @property
    def is_exported(self) -> bool:
        """Whether exported graphs were timed: those that were taken along, and no others."""
        return self.torch is not None and self.torch.startswith(EXPORTED)

    @property
    def key(self) -> str:
        """Such as cpu-1, for an address."""
        return f"{self.device}-{self.threads}"

    def __str__(self) -> str:
        runtime = f"{self.torch}" if self.is_exported else f"torch {self.torch}"
        version = "" if self.torch is None else f", {runtime}"
        processor = "" if self.processor is None else f", {self.processor}"
        return f"device {self.device}, threads {self.threads}{version}{processor}"


def timing_conditions(timing: pd.DataFrame) -> list[TimingCondition]:
    """The conditions that a timing table holds, commonest first."""
    names = [name for name in CONDITIONS if name in timing]
    counts = timing.groupby(names, observed=True).size().sort_values(ascending=False, kind="stable")
    rows = (dict(zip(names, key, strict=True)) for key in counts.index.tolist())
    return [
        TimingCondition(str(row["device"]), int(row["threads"]), row.get("torch"), row.get("processor")) for row in rows
    ]


def rows_under(timing: pd.DataFrame, condition: TimingCondition) -> pd.DataFrame:
    """The rows taken under one of `timing_conditions`."""
    taken = np.ones(len(timing), dtype=bool)
    for name in CONDITIONS:
        value = getattr(condition, name)
        if value is not None:
            taken &= (timing[name] == value).to_numpy()
    return timing[taken]


def was_timed(candidates: pd.DataFrame, timing: pd.DataFrame) -> NDArray[np.bool_]:
    """(candidates,) whose pattern and steps were timed; no adaptation, which takes none, too."""
    timed = pd.MultiIndex.from_frame(timing[["pattern", "steps"]].drop_duplicates().astype({"pattern": "str"}))
    asked = pd.MultiIndex.from_frame(candidates[["pattern", "steps"]].astype({"pattern": "str"}))
    found: NDArray[np.bool_] = asked.isin(timed) | (candidates["steps"] == 0).to_numpy()
    return found


def ratio(reference: float, costs: NDArray[Any]) -> NDArray[np.float64]:
    """reference / costs: how many times cheaper; infinite where nothing is spent, 1 where neither spends anything."""
    plain = np.asarray(costs, dtype=float)
    free = plain == 0
    quotient: NDArray[np.float64] = reference / np.where(free, 1.0, plain)
    return np.where(free, np.inf if reference > 0 else 1.0, quotient)


def _check_one_condition(timing: pd.DataFrame) -> None:
    conditions = timing_conditions(timing)
    if len(conditions) > 1:
        texts = "; ".join(map(str, conditions))
        raise SelectionError(f"the timing table mixes {len(conditions)} conditions ({texts}); select one of them")


def _check_finite(timing: pd.DataFrame) -> None:
    for name in ("milliseconds", "multiply_adds"):
        values = timing[name].to_numpy(float)
        if not (np.isfinite(values) & (values >= 0)).all():
            raise SelectionError(f"the timing table holds {name} that are negative or no number; time the study again")
