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
CONDITIONS = ["device", "threads", "torch", "processor"]  # times are compared only where these agree


def candidate_costs(candidates: pd.DataFrame, timing: pd.DataFrame | None) -> dict[str, NDArray[Any]]:
    """Columns for `candidates` (pattern, steps): milliseconds (median), milliseconds_low and _high (quartiles),
    multiply_adds. No adaptation (0 steps) costs nothing. Time does not depend on the step size.

    Raises SelectionError for a missing table, times of several conditions, NaN, or an untimed candidate.
    """
    if timing is None or timing.empty:
        raise SelectionError("this study has no timing yet; lambda-core time makes it")
    _check_one_condition(timing)
    _check_finite(timing)
    known = _per_candidate(timing)
    wanted = pd.MultiIndex.from_frame(candidates[["pattern", "steps"]])
    idle = (candidates["steps"] == 0).to_numpy()
    untimed = ~wanted.isin(known.index) & ~idle
    if untimed.any():
        pattern, steps = wanted[untimed.argmax()]
        raise SelectionError(f"pattern {pattern} at {steps} steps was not timed; run lambda-core time again")
    costs = known.reindex(wanted)
    costs[idle] = 0
    return {
        str(name): column.to_numpy(np.int64 if name == "multiply_adds" else float) for name, column in costs.items()
    }


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
    def key(self) -> str:
        """Such as cpu-1, for an address."""
        return f"{self.device}-{self.threads}"

    def __str__(self) -> str:
        version = "" if self.torch is None else f", torch {self.torch}"
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


def cost_and_spread(table: pd.DataFrame, axis: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(candidates,) each: what each row costs by `axis`, and how far repeated measurements of that lie apart.

    table: column `axis`; for milliseconds also their quartiles. Multiply-adds are counted: they do not spread.
    """
    cost = table[axis].to_numpy(float)
    if axis == "multiply_adds":
        return cost, np.zeros(len(table))
    return cost, (table[f"{axis}_high"] - table[f"{axis}_low"]).to_numpy(float)


def ratio(reference: float, costs: NDArray[Any]) -> NDArray[np.float64]:
    """reference / costs: how many times cheaper; infinite where nothing is spent, 1 where neither spends anything."""
    plain = np.asarray(costs, dtype=float)
    free = plain == 0
    quotient: NDArray[np.float64] = reference / np.where(free, 1.0, plain)
    return np.where(free, np.inf if reference > 0 else 1.0, quotient)


def _per_candidate(timing: pd.DataFrame) -> pd.DataFrame:
    groups = timing.astype({"pattern": "str", "steps": int}).groupby(["pattern", "steps"], sort=False)
    low, median, high = (groups["milliseconds"].quantile(q) for q in (0.25, 0.5, 0.75))
    counted = groups["multiply_adds"].median()
    return pd.DataFrame(
        {"milliseconds": median, "milliseconds_low": low, "milliseconds_high": high, "multiply_adds": counted}
    )


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
