"""A step size of its own for each layer, looked for once the patterns are found: a layer at a time, from the head down.

Like what a search sees of patterns, the accuracies here are optimistic: fresh episodes judge them (`judge_search`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from lambda_core.config import SearchConfig
from lambda_core.selection.candidates import LayerwiseCandidate
from lambda_core.selection.pattern_search import Rows, SearchResult, as_candidate
from lambda_core.selection.racing import Runner


@dataclass(frozen=True)
class Tuned:
    """A pattern with multiples of the study's step size, one a layer. accuracy: as the search saw it, 0 to 1."""

    rows: Rows
    factors: tuple[float, ...]
    accuracy: float

    def candidate(self, lr: float) -> LayerwiseCandidate:
        """lr: the study's step size."""
        return LayerwiseCandidate(**vars(as_candidate(self.rows, lr)), factors=self.factors)

    def step_sizes(self, lr: float) -> str:
        """One a layer, as a search's table has them."""
        return ",".join(f"{lr * factor:.6g}" for factor in self.factors)


def tune(result: SearchResult, runner: Runner, lr: float, config: SearchConfig) -> list[Tuned]:
    """The patterns of the search's front for which other step sizes, of config.layer_lr, were better.

    runner: as of the search, whose `adaptations` go on counting. lr: the study's own step size.
    """
    start = [Tuned(rows, (1.0,) * len(result.costs), result.accuracy[rows]) for rows in result.front()]
    found = [_tuned(each, result, runner, lr, config) for each in start]
    return [after for before, after in zip(start, found, strict=True) if after != before]


def _tuned(tuned: Tuned, result: SearchResult, runner: Runner, lr: float, config: SearchConfig) -> Tuned:
    updated = [any(column) for column in zip(*tuned.rows, strict=True)]
    for layer in range(len(result.costs) - 1, -1, -1):
        if updated[layer]:
            before, after = tuned.factors[:layer], tuned.factors[layer + 1 :]
            others = [replace(tuned, factors=(*before, factor, *after)) for factor in config.layer_factors]
            seen = runner([each.candidate(lr) for each in others], range(config.episodes))
            result.adaptations += seen.size
            tried = [replace(each, accuracy=float(row.mean())) for each, row in zip(others, seen, strict=True)]
            tuned = max([tuned, *tried], key=lambda each: each.accuracy)
    return tuned


def untuned(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a search's table whose candidates take the study's step size in all layers."""
    return table[table["step_sizes"] == ""]


def gaining(table: pd.DataFrame) -> list[tuple[str, int, str]]:
    """(pattern, steps, step sizes) of those shown on every split to be better than the same at the study's step size.

    table: of `judge_search`, of all splits together.
    """
    tuned = table[table["step_sizes"] != ""].sort_values("multiply_adds", kind="stable")
    on_all = tuned.groupby(["pattern", "steps", "step_sizes"], observed=True, sort=False)["dominates"].all()
    return [(str(pattern), int(steps), str(sizes)) for pattern, steps, sizes in on_all[on_all].index]


def describe_gaining(table: pd.DataFrame) -> str:
    """What step sizes of their own are shown to gain, as `adapt` takes them; empty where none were looked for."""
    if (table["step_sizes"] == "").all():
        return ""
    found = [f"{pattern} × {steps} with lr=({sizes.replace(',', ', ')})" for pattern, steps, sizes in gaining(table)]
    shown = f"shown on each split to gain: {'; '.join(found)}" if found else "none is shown to gain"
    return f"A step size a layer, over the same pattern with the study's: {shown}."


def parse_step_sizes(text: str, layers: int) -> tuple[float, ...] | None:
    """The step sizes of a search's table; None for a text that is not one number above 0 a layer."""
    try:
        sizes = tuple(map(float, text.split(",")))
    except ValueError:
        return None
    return sizes if len(sizes) == layers and all(0 < each <= 1e6 for each in sizes) else None
