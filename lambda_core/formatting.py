"""Numbers as text, the same way everywhere: points, intervals, shares and speed-ups."""

from __future__ import annotations

import math


def points(value: float) -> str:
    """`0.5 points`, `1 point`."""
    text = number(value).removesuffix(".0")
    return f"{text} point" if text == "1" else f"{text} points"


def points_up(value: float) -> str:
    """As `points`, rounded up: an upper bound stays one."""
    return points(math.ceil(10 * value - 1e-6) / 10)


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


def kilobytes(count: int) -> str:
    """`1,432 kB`, `0.9 kB`, of a number of bytes; a kilobyte is 1,000 of them."""
    return f"{count / 1000:,.{0 if count >= 9950 or count == 0 else 1}f} kB"


def megabytes(count: int) -> str:
    """`412 MB`, `5.1 GB`, rounded up to whole MB, of a number of bytes; a megabyte is 1,000,000 of them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{math.ceil(count / 1e6)} MB"


def times(speed_up: float) -> str:
    """`14.2×`, `1.05×`, `120×`: three figures."""
    if math.isinf(speed_up):
        return "∞×"
    return f"{speed_up:.{0 if speed_up >= 99.95 else 1 if speed_up >= 9.995 else 2}f}×"


def times_between(low: float, high: float) -> str:
    """Such as `10.3 … 11.5×`."""
    return f"{times(low).removesuffix('×')} … {times(high)}"
