"""What a choice loses, for each population that it may be said of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lambda_core.analysis.reach.trainings import trainings_of
from lambda_core.errors import StudyError
from lambda_core.formatting import points, with_interval
from lambda_core.selection import (
    Choice,
    Floats,
    Interval,
    Needed,
    Populations,
    describe_needed,
    needed_for,
)
from lambda_core.studies import Study

WHOM = ("new episodes of these classes", "new classes as well", "new trainings as well")


def populations(study: Study, choice: Choice, split: str = "test", confidence: float = 0.95) -> Populations:
    """Points that the choice loses against the reference on a split, for new episodes, classes and trainings.

    study: one training, or several as one (`pooled`). Uncorrected: of one candidate, named beforehand.
    Raises StudyError where trainings were swept on different episodes, SelectionError where there is no such row.
    """
    rows = [points_lost(each, choice, split) for each in trainings_of(study)]
    if len({len(row) for row in rows}) > 1:
        raise StudyError(f"{study.name}: its trainings were swept on different episodes")
    return Populations.of(np.array(rows), study.classes(split), confidence)


def points_lost(study: Study, choice: Choice, split: str) -> Floats:
    """(episodes,) points that the choice loses, in the order of the table."""
    scores = study.scores(split)
    lost: Floats = 100 * (scores.row(choice.reference) - scores.row(choice.candidate))
    return lost


def describe_populations(seen: Populations, threshold: float) -> list[str]:
    """A line a population: points lost, and whether the threshold is held; then what would decide where it is open."""
    intervals = (seen.episodes, seen.classes, seen.trainings)
    known = [(whom, each) for whom, each in zip(WHOM, intervals, strict=True) if each is not None]
    lines = [f"For {whom}: {with_interval(*each)} points lost, {_held(each, threshold)}." for whom, each in known]
    if seen.classes is None:
        lines.append("For new classes: not known, since the classes of the episodes were not noted or are too few.")
    if seen.trainings is None:
        lines.append("For new trainings: not known from one training; lambda-core train --seeds 5 makes more.")
    needed = needed_to_decide(seen, threshold)
    if needed is not None:
        lines.append(f"To decide it for {known[-1][0]}: {describe_needed(needed, seen)}.")
    return lines


def needed_to_decide(seen: Populations, threshold: float) -> Needed | None:
    """What would decide, for the largest population seen, whether `threshold` points are held; None: decided."""
    if not seen.widest.low <= threshold < seen.widest.high:
        return None
    return needed_for(seen, abs(threshold - seen.widest.estimate))


def reach_table(studies: Sequence[tuple[Study, Choice]]) -> list[list[str]]:
    """Rows of text: study, choice, points lost on test classes for each population, what would decide the widest, and
    the chance that it is within 5 % of the fastest that passes.
    """
    return [_row(study, choice) for study, choice in studies if not choice.is_reference]


def _row(study: Study, choice: Choice) -> list[str]:
    seen = populations(study, choice)
    intervals = (seen.episodes, seen.classes, seen.trainings)
    needed = needed_to_decide(seen, choice.threshold)
    return [
        f"`{study.name}`",
        f"`{choice.pattern}` × {choice.steps}",
        *("–" if each is None else with_interval(*each) for each in intervals),
        "decided" if needed is None else describe_needed(needed, seen),
        f"{100 * choice.near_fastest:.0f} %",
    ]


def _held(interval: Interval, threshold: float) -> str:
    if interval.high <= threshold:
        return f"at most {points(threshold)}"
    return f"more than {points(threshold)}" if interval.low > threshold else f"open at {points(threshold)}"
