"""A choice in words: what is updated, how much faster, at what degradation. Computed, never written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lambda_core.formatting import interval, number, percent, points, times
from lambda_core.patterns import LambdaPattern, describe_pattern
from lambda_core.selection.candidates import same_step_size
from lambda_core.selection.choice import Choice, Confirmation
from lambda_core.selection.paired_tests import Interval


def sentence(choice: Choice, confirmation: Confirmation | None, layers: Sequence[str]) -> str:
    """One sentence: `Update only the head for 3 steps: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9).`

    confirmation: what unseen classes say of the choice, where they were asked. layers: names, one a pattern's column.
    """
    if choice.is_reference:
        allowed = f"{points(choice.threshold)} with {percent(choice.confidence)} confidence"
        return f"Keep the full pattern for {_steps(choice.steps)}: nothing faster is shown to lose at most {allowed}."
    degradation = describe_degradation(choice.degradation, choice.confidence)
    tail = "" if confirmation is None else _confirmed(confirmation)
    return f"{_action(choice, layers)}: {_speed(choice)}, {degradation}{tail}."


def describe_degradation(degradation: Interval, confidence: float) -> str:
    """`0.5 points lower (95 %: 0.1 … 0.9)`; a gain is said as `higher`, with its interval turned round.

    degradation: points, with its interval at `confidence`.
    """
    estimate, low, high = degradation
    direction = "lower"
    if estimate < 0:
        estimate, low, high, direction = -estimate, -high, -low, "higher"
    text = "equally accurate" if round(estimate, 1) == 0 else f"{points(estimate)} {direction}"
    return f"{text} ({percent(confidence)}: {interval(low, high)})"


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
    comparative = "faster" if choice.axis == "milliseconds" else "fewer multiply-adds"
    return f"{times(choice.speed_up)} {comparative}"


def _confirmed(confirmation: Confirmation) -> str:
    estimate, low, high = confirmation.degradation
    degradation = f"{number(estimate)}, {interval(low, high)}"
    return {
        "pass": ", confirmed on unseen classes",
        "fail": f", but not confirmed: on unseen classes it loses more than allowed ({degradation})",
        "undecided": f", neither confirmed nor refuted on unseen classes ({degradation})",
    }[confirmation.verdict]
