"""What to buy where a verdict is open: about how many episodes would decide it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lambda_core.analysis.reach.for_whom import points_lost
from lambda_core.formatting import points, points_up, times
from lambda_core.selection import FEWEST, Choice, Confirmation
from lambda_core.studies import Study

ALIKE = 1.1  # numbers of episodes that are estimated so close together are taken for equal


def describe_undecided(study: Study, choice: Choice, seen: Confirmation) -> list[str]:
    """A sentence where test classes leave the choice open, or where nothing faster is shown to pass; else none.

    Estimates: they take what was seen for the truth, and bounds to shrink as such bounds do.
    """
    if choice.is_reference:
        return [_still_open(choice)]
    if seen.verdict != "undecided":
        return []
    differing = int(np.count_nonzero(points_lost(study, choice, "test")))
    distance = abs(choice.threshold - seen.degradation.estimate)
    count = _episodes(seen.episodes, seen.degradation.half_width, distance, differing)
    return [f"To decide it on test classes: {count}."]


def _still_open(choice: Choice) -> str:
    """The fastest of the candidates that would be shown to pass with the fewest episodes, if they do."""
    table = choice.verdicts
    is_open = (table["verdict"] == "undecided") & (table["degradation"] < choice.threshold) & (table["speed_up"] > 1)
    if not is_open.any():
        return f"To decide it: no faster candidate is open at {points(choice.threshold)}."
    ratio = (table["degradation_high"] - table["degradation"]) / (choice.threshold - table["degradation"])
    needs = (ratio ** _power(table["differing"])).where(is_open)
    row = table.loc[table["speed_up"].where(needs <= ALIKE * needs.min()).idxmax()]
    half, distance = row["degradation_high"] - row["degradation"], choice.threshold - row["degradation"]
    count = _episodes(choice.episodes, half, distance, int(row["differing"]))
    return (
        f"To decide it: {row['pattern']} x {row['steps']}, {times(row['speed_up'])}, is open on validation classes "
        f"(it loses at most {points_up(row['degradation_high'])}); {count} would show that it passes, if it does."
    )


def _episodes(seen: int, half_width: float, distance: float, differing: int) -> str:
    if distance < 0.01 * half_width:
        return "more episodes than can be told, since it lies at the threshold"
    needed = math.ceil(seen * (half_width / distance) ** int(_power(differing)))
    return f"about {needed:,} episodes ({seen:,} now)"


def _power(differing: Any) -> Any:
    """Where few episodes differ bounds shrink with the number of episodes, else with its root."""
    return np.where(np.asarray(differing) < FEWEST, 1, 2)
