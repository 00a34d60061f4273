"""What fresh episodes say of the patterns that a search found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.config import SearchConfig
from lambda_core.patterns import LambdaPattern
from lambda_core.selection.layer_step_sizes import Tuned, describe_gaining, untuned
from lambda_core.selection.paired_tests import Floats, PairedDifference, bonferroni, half_width_of_mean
from lambda_core.selection.pattern_search import Rows, SearchResult, as_candidate, cost_of, is_per_layer
from lambda_core.selection.racing import Runner
from lambda_core.selection.speed import ratio
from lambda_core.selection.verdicts import judge, simultaneous_bounds

GAIN = ("gain", "gain_low", "gain_high", "gain_p_adjusted")


def judge_search(
    result: SearchResult,
    runner: Runner,
    reference_steps: int,
    lr: float,
    config: SearchConfig,
    tuned: Sequence[Tuned] = (),
) -> pd.DataFrame:
    """The front and the per-layer front on fresh episodes (the runner's), cheapest first; degradations in points.

    pattern, steps, multiply_adds, speed_up (in multiply-adds), per_layer, on_front (of the search), search_accuracy;
    accuracy, accuracy_low/high (95 %); degradation and its bounds, p_adjusted, verdict, corrected over all rows; and
    for a step × layer pattern its rival, the next more expensive per-layer pattern of the front: gain over it with
    bounds (points), gain_p_adjusted (corrected over all rivalries), dominates (cheaper, and better is shown).

    tuned: `layer_step_sizes.tune`. They are rows, too, with step_sizes, one a layer ("": the study's in all layers);
    their rival is the same pattern at the study's, and they dominate where better is shown.
    """
    full = LambdaPattern.full(len(result.costs)).rows * reference_steps
    plain = [rows for rows in dict.fromkeys([*result.front(), *result.per_layer_front()]) if rows != full]
    patterns = [*plain, *(each.rows for each in tuned), full]
    candidates = [as_candidate(rows, lr) for rows in patterns]
    candidates[len(plain) : -1] = [each.candidate(lr) for each in tuned]
    accuracy = runner(candidates, range(config.fresh))
    table = _found(result, patterns).assign(**_verdicts(accuracy, config), episodes=config.fresh, step_sizes="")
    places = range(len(plain), len(patterns) - 1)
    table.loc[places, "search_accuracy"] = [each.accuracy for each in tuned]
    table.loc[places, "step_sizes"] = [each.step_sizes(lr) for each in tuned]
    table.loc[places, "on_front"] = False
    rivals = [row for row, rows in enumerate(patterns) if row not in places and rows in result.per_layer_front()]
    own = {row: [*plain, *[None] * len(tuned), full].index(patterns[row]) for row in places}
    table = table.assign(**_rivalry(table, accuracy, np.array(rivals, dtype=int), own, config.confidence))
    return table.sort_values("multiply_adds", kind="stable", ignore_index=True)


def dominating(table: pd.DataFrame) -> list[tuple[str, int]]:
    """(pattern, steps) of those shown to dominate on every split, cheapest first. table: of `judge_search`."""
    cheapest_first = untuned(table).sort_values("multiply_adds", kind="stable")
    on_all = cheapest_first.groupby(["pattern", "steps"], observed=True, sort=False)["dominates"].all()
    return [(str(pattern), int(steps)) for pattern, steps in on_all[on_all].index]


def describe_search(result: SearchResult, table: pd.DataFrame) -> str:
    """What was found and how hard was looked; patterns that dominate on every split are named, or none is.

    table: of `judge_search`, of all splits together.
    """
    front, per_layer = len(result.front()), len(result.per_layer_front())
    effort = f"{len(result.accuracy)} patterns on all search episodes, {result.adaptations:,} adaptations"
    names = ", ".join(f"{pattern} × {steps}" for pattern, steps in dominating(table))
    claim = f"dominate a per-layer pattern, shown on each split: {names}" if names else "none is shown to dominate"
    text = f"A front of {front} patterns ({per_layer} per-layer alone): {claim}. Looked at: {effort}."
    return "\n".join(filter(None, [text, describe_gaining(table)]))


def _found(result: SearchResult, patterns: Sequence[Rows]) -> pd.DataFrame:
    """A row a pattern: what the search knew of it. The last one is the full pattern."""
    costs = np.array([cost_of(rows, result.costs) for rows in patterns])
    front = result.front()
    return pd.DataFrame(
        {
            "pattern": [str(LambdaPattern(rows)) for rows in patterns],
            "steps": [len(rows) for rows in patterns],
            "multiply_adds": costs,
            "speed_up": ratio(costs[-1], costs),
            "per_layer": [is_per_layer(rows) for rows in patterns],
            "on_front": [rows in front for rows in patterns],
            "search_accuracy": [result.accuracy[rows] for rows in patterns],
        }
    )


def _verdicts(accuracy: Floats, config: SearchConfig) -> dict[str, NDArray[Any]]:
    """Columns that fresh accuracies (patterns, episodes) give; the last pattern is the full one."""
    degradation = PairedDifference.in_points(accuracy[-1], accuracy)
    verdict, adjusted = judge(degradation, config.threshold, config.confidence, reference=len(accuracy) - 1)
    mean, half = accuracy.mean(axis=1), half_width_of_mean(accuracy)
    return {
        "accuracy": mean,
        "accuracy_low": mean - half,
        "accuracy_high": mean + half,
        **_bounds(degradation, config.confidence),
        "p_adjusted": adjusted,
        "verdict": verdict,
    }


def _bounds(degradation: PairedDifference, confidence: float) -> dict[str, NDArray[Any]]:
    low, high = simultaneous_bounds(degradation, confidence, reference=len(degradation.mean) - 1)
    return {"degradation": degradation.mean, "degradation_low": low, "degradation_high": high}


def _rivalry(
    table: pd.DataFrame, accuracy: Floats, rivals: NDArray[np.int64], own: dict[int, int], confidence: float
) -> dict[str, NDArray[Any]]:
    """Columns rival, GAIN and dominates: each step × layer pattern of the front against its rival, where it has one.

    accuracy: (patterns, episodes). rivals: rows of the per-layer front. own: row of a tuned pattern → of the same
    pattern at the study's step size.
    """
    rival_of = _next_more_expensive(table, rivals) | own
    columns: dict[str, NDArray[Any]] = {name: np.full(len(table), np.nan) for name in GAIN}
    columns["rival"] = np.full(len(table), None, dtype=object)
    if rival_of:
        rows, others = np.array(list(rival_of)), np.array(list(rival_of.values()))
        paired = PairedDifference.in_points(accuracy[rows], accuracy[others])
        gains = paired.columns("gain", confidence, len(rows)) | {"gain_p_adjusted": bonferroni(paired.p_above(0.0))}
        for name in GAIN:
            columns[name][rows] = gains[name]
        columns["rival"][rows] = [f"{table['pattern'][row]} × {table['steps'][row]}" for row in others]
    return columns | {"dominates": columns["gain_p_adjusted"] <= 1 - confidence}


def _next_more_expensive(table: pd.DataFrame, rivals: NDArray[np.int64]) -> dict[int, int]:
    """Row of each step × layer pattern on the front → row of the cheapest rival that costs more than it."""
    costs = table["multiply_adds"].to_numpy()
    rivals = rivals[np.argsort(costs[rivals], kind="stable")]
    place = np.searchsorted(costs[rivals], costs, side="right")
    challengers = np.flatnonzero(~table["per_layer"] & table["on_front"] & (place < len(rivals)))
    return {int(row): int(rivals[place[row]]) for row in challengers}
