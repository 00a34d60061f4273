"""A choice in words: what is updated, how much faster, at what loss. Plain text, computed, never written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lambda_core.pattern import LambdaPattern

if TYPE_CHECKING:
    from lambda_core.select import Choice, Confirmation


def describe_pattern(pattern: str, layers: Sequence[str]) -> str:
    """`only the head`, `all layers`, `conv3, conv4 and head`, `all layers first, then only the head`, …"""
    rows = LambdaPattern.parse(pattern, len(layers)).rows
    texts = [_describe_row(row, layers) for row in rows]
    return f"{texts[0]} first, then {', then '.join(texts[1:])}" if len(texts) > 1 else texts[0]


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


def points(value: float) -> str:
    """`0.5 points`, `1 point`."""
    text = number(value).removesuffix(".0")
    return f"{text} point" if text == "1" else f"{text} points"


def number(value: float) -> str:
    """One decimal, a true minus sign, and no minus before a rounded zero."""
    rounded = round(float(value), 1) + 0.0
    return f"{rounded:.1f}".replace("-", "−")


def signed(value: float) -> str:
    """`+0.5`, `−0.5`, and `0.0` without a sign."""
    text = number(value)
    return text if text.startswith("−") or text == "0.0" else f"+{text}"


def interval(low: float, high: float) -> str:
    """Such as `−0.1 … 0.5`."""
    return f"{number(low)} … {number(high)}"


def with_interval(value: float, low: float, high: float) -> str:
    """Such as `0.2 (−0.1 … 0.5)`."""
    return f"{number(value)} ({interval(low, high)})"


def percent(share: float) -> str:
    """`95 %`, `99.5 %`."""
    return f"{100 * share:.4g} %"


def times(speed_up: float) -> str:
    """`14.2×`, `1.05×`, `120×`: three figures."""
    if math.isinf(speed_up):
        return "∞×"
    return f"{speed_up:.{0 if speed_up >= 99.95 else 1 if speed_up >= 9.995 else 2}f}×"


def _describe_row(row: Sequence[bool], layers: Sequence[str]) -> str:
    updated = [name for name, on in zip(layers, row, strict=True) if on]
    frozen = [name for name, on in zip(layers, row, strict=True) if not on]
    if not updated:
        return "nothing"
    if not frozen:
        return "all layers"
    if len(updated) == 1:
        return f"only {_the(updated[0])}"
    if len(frozen) == 1 and len(layers) > 3:
        return f"all layers but {_the(frozen[0])}"
    return f"{', '.join(updated[:-1])} and {updated[-1]}"


def _the(layer: str) -> str:
    return "the head" if layer == "head" else layer


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
