"""Which per-layer patterns are measured: chosen before anything is, in a word that a study keeps."""

from __future__ import annotations

from lambda_core.errors import PatternError
from lambda_core.patterns.pattern import LambdaPattern

# Choices of all patterns there are: so many digits, and the most layers of which so many patterns are measured
EXHAUSTIVE = {"all": (2, 12), "finer": (3, 7)}


def patterns_to_measure(choice: str, layers: int) -> list[LambdaPattern]:
    """Per-layer patterns for a backbone of so many layers, each once, in the order of `LambdaPattern.enumerate`.

    choice: all; finer, those with scale and shift alone too; tails, the last 1, 2, … layers; or patterns joined by
    commas, such as 00011,nnnn1,anil. No adaptation and the full pattern, what all is compared with, are always among
    them. Raises PatternError.
    """
    if choice in EXHAUSTIVE:
        digits, most = EXHAUSTIVE[choice]
        if layers > most:
            count = f"{digits**layers:,}"
            raise PatternError(f"{layers} layers have {count} patterns; {choice} are measured of at most {most} layers")
        return LambdaPattern.enumerate(layers, finer=choice == "finer")
    chosen = _tails(layers) if choice == "tails" else [LambdaPattern.parse(each, layers) for each in _words(choice)]
    if changing := [pattern for pattern in chosen if not pattern.is_per_layer]:
        raise PatternError(f"a sweep measures the same layers at every step, not {changing[0]}; a search finds others")
    ends = {LambdaPattern.named("none", layers), LambdaPattern.full(layers)}
    return sorted(ends | set(chosen), key=str)


def _tails(layers: int) -> list[LambdaPattern]:
    return [LambdaPattern.named(f"last{last}", layers) for last in range(1, layers + 1)]


def _words(choice: str) -> list[str]:
    words = [word.strip() for word in choice.split(",")]
    if not all(words):
        raise PatternError(
            f"patterns are all, finer, tails, or several joined by commas such as 00011,anil, not {choice!r}"
        )
    return words
