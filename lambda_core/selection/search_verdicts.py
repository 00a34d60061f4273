"""What fresh episodes say of the patterns that a search found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_core.config import SearchConfig
from lambda_core.patterns import LambdaPattern
from lambda_core.selection.costs import ratio
from lambda_core.selection.paired_tests import Floats, PairedDifference, half_width_of_mean, holm
from lambda_core.selection.pattern_search import Rows, SearchResult, as_candidate, cost_of
from lambda_core.selection.racing import Runner
from lambda_core.selection.verdicts import judge


def verdicts(
    found: SearchResult, runner: Runner, reference_steps: int, lr: float, config: SearchConfig
) -> pd.DataFrame:
    """The front and the per-layer front on fresh episodes (the runner's), cheapest first; degradations in points.

    pattern, steps, multiply_adds, speed_up (in multiply-adds), per_layer, on_front (of the search), search_accuracy;
    accuracy, accuracy_low/high (95 %); degradation and its interval, p_adjusted, verdict, Holm-corrected over all
    rows; and for a step × layer pattern its rival, the next more expensive per-layer pattern of the front: gain over
    it with interval (points), gain_p_adjusted (Holm over all rivalries), dominates (cheaper, and better is shown).
    """
    full: Rows = ((True,) * len(found.costs),) * reference_steps
    front, rivals = found.front(), found.front(per_layer=True)
    asked = [rows for rows in dict.fromkeys([*front, *rivals]) if rows != full] + [full]
    matrix = runner([as_candidate(rows, lr) for rows in asked], range(config.fresh))
    costs = np.array([cost_of(rows, found.costs) for rows in asked])
    degradation = PairedDifference.of(100 * (matrix[-1] - matrix))
    verdict, adjusted = judge(degradation, config.threshold, config.confidence, len(asked) - 1)
    half, spread = degradation.half_width(config.confidence), half_width_of_mean(matrix)
    table = pd.DataFrame(
        {
            "pattern": [str(LambdaPattern(rows)) for rows in asked],
            "steps": [len(rows) for rows in asked],
            "multiply_adds": costs,
            "speed_up": ratio(costs[-1], costs),
            "per_layer": [len(set(rows)) == 1 for rows in asked],
            "on_front": [rows in front for rows in asked],
            "search_accuracy": [found.accuracy[rows] for rows in asked],
            "accuracy": matrix.mean(axis=1),
            "accuracy_low": matrix.mean(axis=1) - spread,
            "accuracy_high": matrix.mean(axis=1) + spread,
            "degradation": degradation.mean,
            "degradation_low": degradation.mean - half,
            "degradation_high": degradation.mean + half,
            "p_adjusted": adjusted,
            "verdict": verdict,
            "episodes": config.fresh,
        }
    )
    places = [asked.index(rows) for rows in rivals]
    table = table.assign(**_rivalry(table, matrix, places, config.confidence))
    return table.sort_values("multiply_adds", kind="stable", ignore_index=True)


def dominating(table: pd.DataFrame) -> list[tuple[str, int]]:
    """(pattern, steps) of those that are shown to dominate on every split, cheapest first. table: of `verdicts`."""
    cheapest_first = table.sort_values("multiply_adds", kind="stable")
    held = cheapest_first.groupby(["pattern", "steps"], observed=True, sort=False)["dominates"].all()
    return [(str(pattern), int(steps)) for pattern, steps in held[held].index]


def in_words(found: SearchResult, table: pd.DataFrame) -> str:
    """What was found and how hard was looked; patterns that dominate on every split are named, or none is."""
    front, plain = len(found.front()), len(found.front(per_layer=True))
    looked = f"{len(found.accuracy)} patterns on all search episodes, {found.adaptations:,} adaptations"
    named = ", ".join(f"{pattern} × {steps}" for pattern, steps in dominating(table))
    what = f"dominate a per-layer pattern, shown on each split: {named}" if named else "none is shown to dominate"
    return f"A front of {front} patterns ({plain} per-layer alone): {what}. Looked at: {looked}."


def _rivalry(table: pd.DataFrame, matrix: Floats, rivals: list[int], confidence: float) -> dict[str, NDArray[Any]]:
    """Each step × layer pattern of the front against the next more expensive pattern of the per-layer front."""
    costs = table["multiply_adds"].to_numpy()
    pairs = []
    for place in np.flatnonzero(~table["per_layer"] & table["on_front"]):
        dearer = [rival for rival in rivals if costs[rival] > costs[place]]
        if dearer:
            pairs.append((int(place), min(dearer, key=lambda rival: int(costs[rival]))))
    names = ("gain", "gain_low", "gain_high", "gain_p_adjusted")
    told: dict[str, NDArray[Any]] = {name: np.full(len(table), np.nan) for name in names}
    rival = np.full(len(table), None, dtype=object)
    if pairs:
        ours, theirs = (np.array(side) for side in zip(*pairs, strict=True))
        paired = PairedDifference.of(100 * (matrix[ours] - matrix[theirs]))
        half = paired.half_width(confidence)
        values = (paired.mean, paired.mean - half, paired.mean + half, holm(paired.p_above(0.0)))
        for name, value in zip(names, values, strict=True):
            told[name][ours] = value
        rival[ours] = [f"{table['pattern'][at]} × {table['steps'][at]}" for at in theirs]
    return {"rival": rival, **told, "dominates": told["gain_p_adjusted"] <= 1 - confidence}
