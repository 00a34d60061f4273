"""A choice in words: what is updated, how much faster, at what degradation. Computed, never written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lambda_core.formatting import interval, kilobytes, percent, points, points_up, times, times_between
from lambda_core.patterns import LambdaPattern, describe_pattern
from lambda_core.selection.candidates import same_step_size
from lambda_core.selection.choice import Choice, Confirmation
from lambda_core.selection.paired_tests import Interval

FOR_WHOM = "for new episodes of these classes with this model"


def for_these_episodes(confidence: float) -> str:
    """`Each end 95 % sure for new episodes of these classes with this model`: to stand below a table of intervals."""
    return f"Each end {percent(confidence)} sure {FOR_WHOM}"


def sentence(choice: Choice, confirmation: Confirmation | None, layers: Sequence[str]) -> str:
    """`Update only the head for 3 steps: 14.2× faster (13 … 15×), 0.5 points lower (…) on unseen classes: confirmed.`

    What is lost is what unseen classes say, where they were asked: the episodes that made a candidate win flatter it.
    confirmation: their answer. layers: names, one a pattern's column. What is sure of it: `promise`.
    """
    if choice.is_reference:
        allowed = points(choice.threshold)
        faster = "nothing faster" if choice.memory is None else "nothing faster that fits"
        return f"Keep the full pattern for {_steps(choice.steps)}: {faster} is shown to lose at most {allowed}."
    tail = "" if confirmation is None else f", {_on_unseen_classes(confirmation, choice.confidence)}"
    return f"{_action(choice, layers)}: {_speed(choice)}{_fits(choice)}{tail}."


def promise(choice: Choice) -> str:
    """What is sure of a choice, how sure, and for whom: its bound on validation classes, which is no winner's estimate.

    `Loses at most 0.9 points: 95 % sure for new episodes of these classes with this model, whichever …`
    """
    if choice.is_reference:
        return (
            f"Nothing is lost. Others are not shown to pass: bounds are {percent(choice.confidence)} sure {FOR_WHOM}."
        )
    bound = points_up(choice.degradation.high)
    return f"Loses at most {bound} on validation classes: {percent(choice.confidence)} sure {FOR_WHOM}."


def near_fastest(choice: Choice) -> str:
    """How likely the choice is as good as the fastest: for new rounds of timing on the same machine."""
    share = percent(round(choice.near_fastest, 2))
    return f"Within 5 % of the fastest that passes: a chance of {share}, for new rounds of timing on this machine."


def describe_degradation(degradation: Interval, confidence: float) -> str:
    """`0.5 points lower (0.1 … 0.9, each end 95 %)`; a gain is said as `higher`, with its interval turned round.

    degradation: points, with bounds that hold with `confidence` each.
    """
    estimate, low, high = degradation
    direction = "lower"
    if estimate < 0:
        estimate, low, high, direction = -estimate, -high, -low, "higher"
    text = "equally accurate" if round(estimate, 1) == 0 else f"{points(estimate)} {direction}"
    return f"{text} ({interval(low, high)}, each end {percent(confidence)})"


def _action(choice: Choice, layers: Sequence[str]) -> str:
    if choice.steps == 0:
        return "Do not adapt at all"
    first = str(LambdaPattern.parse(choice.pattern, len(layers)).first(choice.steps))
    comma = "," if "/" in first else ""
    return f"Update {describe_pattern(first, layers)}{comma} for {_steps(choice.steps)}{_step_size(choice)}"


def _step_size(choice: Choice) -> str:
    same = bool(same_step_size(choice.lr, choice.reference_lr))
    return "" if same else f" with a step size of {choice.lr:.3g}"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _speed(choice: Choice) -> str:
    if math.isinf(choice.speed_up):
        return "nothing is spent"
    if choice.axis == "multiply_adds":
        return f"{times(choice.speed_up)} fewer multiply-adds"
    return f"{times(choice.speed_up)} faster{_range(choice.speed)}"


def _fits(choice: Choice) -> str:
    """What it needs of the memory that was allowed, where some was."""
    if choice.memory is None or choice.peak_bytes is None:
        return ""
    return f", {kilobytes(choice.peak_bytes)} of the {kilobytes(choice.memory)} allowed"


def _range(speed: Interval) -> str:
    """Of a speed-up, where there were rounds enough to tell."""
    return f" ({times_between(speed.low, speed.high)})" if math.isfinite(speed.high) else ""


def _on_unseen_classes(seen: Confirmation, confidence: float) -> str:
    verdict = {"pass": "confirmed", "fail": "not confirmed", "undecided": "neither confirmed nor refuted"}[seen.verdict]
    return f"{describe_degradation(seen.degradation, confidence)} on unseen classes: {verdict}"
