"""A choice in words: what is updated, how much faster, at what loss. Computed, never written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lambda_core.formatting import interval, number, percent, points, times
from lambda_core.patterns import LambdaPattern, describe_pattern

if TYPE_CHECKING:
    from lambda_core.selection.choice import Choice, Confirmation


def sentence(choice: Choice, confirmation: Confirmation | None, layers: Sequence[str]) -> str:
    """One sentence: `Update only the head for 3 steps: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9).`"""
    if choice.is_reference:
        allowed = f"{points(choice.threshold)} with {percent(choice.confidence)} confidence"
        return f"Keep the full pattern for {_steps(choice.steps)}: nothing faster is shown to lose at most {allowed}."
    loss = describe_loss(choice.degradation, choice.degradation_low, choice.degradation_high, choice.confidence)
    tail = "" if confirmation is None else _confirmed(confirmation)
    return f"{_action(choice, layers)}: {_speed(choice)}, {loss}{tail}."


def describe_loss(degradation: float, low: float, high: float, confidence: float) -> str:
    """`0.5 points lower (95 %: 0.1 … 0.9)`; a gain is told as `higher`, with its interval turned round."""
    if degradation < 0:
        degradation, low, high, word = -degradation, -high, -low, "higher"
    else:
        word = "lower"
    told = "equally accurate" if round(degradation, 1) == 0 else f"{points(degradation)} {word}"
    return f"{told} ({percent(confidence)}: {interval(low, high)})"


def _action(choice: Choice, layers: Sequence[str]) -> str:
    if choice.steps == 0:
        return "Do not adapt at all"
    first = str(LambdaPattern.parse(choice.pattern, len(layers)).first(choice.steps))
    comma = "," if "/" in first else ""
    return f"Update {describe_pattern(first, layers)}{comma} for {_steps(choice.steps)}{_step_size(choice)}"


def _step_size(choice: Choice) -> str:
    scale = choice.lr / choice.reference_lr
    return "" if math.isclose(scale, 1, rel_tol=1e-5) else f" with a step size of {choice.lr:.3g}"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _speed(choice: Choice) -> str:
    if math.isinf(choice.speed_up):
        return "nothing is spent"
    what = "faster" if choice.axis == "milliseconds" else "fewer multiply-adds"
    return f"{times(choice.speed_up)} {what}"


def _confirmed(confirmation: Confirmation) -> str:
    loss = f"{number(confirmation.degradation)}, {interval(confirmation.low, confirmation.high)}"
    return {
        "pass": ", confirmed on unseen classes",
        "fail": f", but not confirmed: on unseen classes it loses more than allowed ({loss})",
        "undecided": f", neither confirmed nor refuted on unseen classes ({loss})",
    }[confirmation.verdict]
