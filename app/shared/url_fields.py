"""The values that the address may hold: how each is read, written, and taken from its control."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambda_core.patterns import DIGITS, NAMES


def format_value(value: Any) -> str:
    """A value as the address writes it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(map(format_value, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _as_it_is(given: Any) -> Any:
    return given


@dataclass(frozen=True)
class UrlField:
    """One value of the address.

    default: stays out of the address; None: nothing was asked for. read: its text → the value; ValueError if damaged.
    right: what a right text is, for the notice. taken: what its control gives → the value. blank: what its control
    shows where the value is None.
    """

    default: Any
    read: Callable[[str], Any]
    right: str
    taken: Callable[[Any], Any] = _as_it_is
    blank: Any = None


def number(default: float | None, low: float, high: float) -> UrlField:
    def read(text: str) -> float:
        if not re.fullmatch(r"[0-9.e-]{1,24}", text) or not low <= float(text) <= high:
            raise ValueError(text)
        return float(text)

    return UrlField(default, read, f"a number from {low:g} to {high:g}")


def whole(default: int | None, low: int, high: int) -> UrlField:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return UrlField(default, read, f"a whole number from {low} to {high}")


def one_of(default: Any, *others: Any) -> UrlField:
    texts = {format_value(choice): choice for choice in (default, *others)}

    def read(text: str) -> Any:
        if text not in texts:
            raise ValueError(text)
        return texts[text]

    return UrlField(default, read, "one of " + ", ".join(texts))


def matching(default: str | None, expression: str, right: str) -> UrlField:
    return UrlField(default, _matching(expression), right)


def several(expression: str, most: int, right: str, item: Callable[[str], Any] = str) -> UrlField:
    """A tuple of 1 to `most` different values, joined by commas; None where none is asked for. item: text → value."""
    checked = _matching(rf"{expression}(,{expression}){{0,{most - 1}}}")

    def read(text: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(map(item, checked(text).split(","))))  # each once, in this order

    return UrlField(None, read, right, taken=lambda chosen: tuple(chosen) or None, blank=())


def part_of_pattern() -> UrlField:
    """Signs that a pattern may hold; of what is typed, whatever else cannot be part of one and is left out."""

    def taken(typed: str) -> str | None:
        return "".join(sign for sign in typed if sign in f"{DIGITS}/") or None

    return UrlField(None, _matching(rf"[{DIGITS}/]{{1,40}}"), "a part of a pattern such as 0001", taken, blank="")


def _matching(expression: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(expression, text):
            raise ValueError(text)
        return text

    return read


NAME = r"[a-z0-9][a-z0-9-]{0,63}"
STUDY = rf"{NAME}(?:@{NAME})?"  # measured on another data set
_ROW = rf"[{DIGITS}]{{1,40}}"
PATTERN = rf"{_ROW}(/{_ROW}){{0,99}}|{'|'.join(NAMES)}"
PATTERN_RIGHT = "a pattern such as 00001 or 11111/00001"

FIELDS: dict[str, UrlField] = {
    "race": one_of(False, True),  # set by the front page alone, see url_state
    "study": matching(None, STUDY, "the name of a study"),
    "pattern": matching(None, PATTERN, PATTERN_RIGHT),  # None: follow the chosen pattern
    "steps": whole(None, 0, 100),
    "lr": number(None, 1e-6, 100.0),
    "threshold": number(1.0, 0.0, 5.0),
    "confidence": one_of(0.95, 0.8, 0.9, 0.99),
    "axis": one_of("milliseconds", "multiply_adds"),
    "timing": matching(None, r"(cpu|cuda)-[0-9]{1,4}(-[0-9]{1,3})?", "a timing such as cpu-1"),
    "picture": one_of("svg", "png"),
    "height": one_of("lost", "accuracy"),
    "far": one_of(False, True),
    "show": one_of("all", "steps", "front"),
    "grid": one_of(False, True),
    "finer": UrlField(None, one_of(False, True).read, "0 or 1"),  # None: where it was measured
    "lrs": one_of(False, True),
    "memory": whole(None, 0, 10**12),  # bytes; None: any number
    "tab": one_of("budget", "first", "table", "steps", "take", "training", "how"),
    "verdicts": several(r"(?:pass|undecided|fail)", 3, "verdicts such as pass,undecided"),
    "contains": part_of_pattern(),
    "front": one_of(False, True),
    "against": matching("maml", PATTERN, PATTERN_RIGHT),
    "data": matching(None, NAME, "the name of a data set"),
    "split": one_of("test", "val", "train"),
    "seed": whole(7, 0, 999_999),
    "classes": several(r"[0-9]{1,5}", 100, "class numbers such as 0,4,7", int),
    "ways": whole(None, 2, 100),  # classes of one's own images; None: as many as the study's
    "at": whole(None, 0, 100),
    "swapped": one_of(False, True),
    "source": one_of("data", "images", "draw"),
    "sine": matching("maml", PATTERN, PATTERN_RIGHT),
    "work": one_of("train", "sweep", "time"),
    "preset": one_of("glyphs-quick", "glyphs", "sinusoid", "cifar-fs-5w1s"),
    "scene": whole(1, 1, 5),
    "present": one_of(False, True),
    "view": one_of("heat", "differences", "between", "first", "transfer"),
    "studies": several(STUDY, 10, "names of studies, joined by commas"),
    "shade": one_of("degradation", "accuracy", "speed_up"),
}
