"""What more would decide an open question: episodes, classes or trainings, and about how many."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lambda_core.selection.variance.populations import Populations


@dataclass(frozen=True)
class Needed:
    """About how many of each there would have to be in all, if that alone grew; None where that alone is not enough.

    Estimates: they take the difference and the variances seen so far for the true ones.
    """

    episodes: int | None
    classes: int | None = None
    trainings: int | None = None


def needed_for(seen: Populations, distance: float, half_width: float | None = None) -> Needed:
    """What brings half the interval for the largest population seen down to `distance`, the way to the threshold.

    half_width: what the verdict's own interval has now, where that is another than the one of `seen`; it is taken to
    shrink alike. Both in the unit of `seen`.
    """
    half = seen.widest.half_width if half_width is None else half_width
    parts = _parts(seen)
    total = sum(share / count for share, count in parts.values())
    if distance <= 0 or total == 0 or half == 0:
        return Needed(None)
    allowed = total * (distance / half) ** 2
    counts = {name: _count(name, parts, allowed) for name in parts}
    return Needed(**counts)


def describe_needed(needed: Needed, seen: Populations) -> str:
    """Such as `about 2,400 episodes (600 now)`; the ways that each suffice alone, joined by `or`."""
    effects = seen.of_classes
    now = {
        "episodes": seen.counted_episodes,
        "classes": None if effects is None else round(1 / effects.share),
        "trainings": seen.counted_trainings,
    }
    ways = [
        f"about {count:,} {name} ({now[name] or 0:,} now)" for name, count in vars(needed).items() if count is not None
    ]
    return " or ".join(ways) if ways else "more of everything: none of them alone is enough"


def _parts(seen: Populations) -> dict[str, tuple[float, float]]:
    """Source → (variance of one, how many there are): their quotients add up to the variance of the mean."""
    n, effects = seen.counted_episodes, seen.of_classes
    parts = {"episodes": (seen.episode_variance, float(n))}
    if effects is not None:
        parts = {"episodes": (effects.rest, float(n)), "classes": (effects.between_classes, 1 / effects.share)}
    if seen.between_trainings is not None:
        parts["trainings"] = (seen.between_trainings, float(seen.counted_trainings))
    return parts


def _count(name: str, parts: dict[str, tuple[float, float]], allowed: float) -> int | None:
    """How many of `name` bring the sum down to `allowed`, all others staying as they are."""
    left = allowed - sum(share / count for other, (share, count) in parts.items() if other != name)
    share, count = parts[name]
    return max(math.ceil(share / left - 1e-9), math.ceil(count)) if left > 0 else None
