"""What calibration.json holds, as Markdown for docs/measuring.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.calibration.class_effects import WHAT
from benchmarks.calibration.rates import Rate

AFTER = (1, 2, 6)  # looks that the table tells
REPLAYED = {"splits": "validation and test classes", "divisions": "random halves of the classes of a split"}


def calibration(record: dict[str, Any]) -> str:
    """Three tables and a sentence. record: what `python -m benchmarks.calibration` writes."""
    studies = record["studies"]
    return "\n\n".join([looks(studies, record["draws"]), effects(studies), replays(studies), choices(studies)])


def looks(studies: dict[str, Any], draws: int) -> str:
    head = ["resampled world, % of times that anything false passes", "rule", *map(_looks, AFTER)]
    rows = [
        [world, rule, *(str(_pooled([study["looks"][world][rule][count - 1] for study in studies.values()], draws))
                        for count in AFTER)]
        for world, rules in next(iter(studies.values()))["looks"].items()
        for rule in sorted(rules)
    ]  # fmt: skip
    return _table(head, rows)


def effects(studies: dict[str, Any]) -> str:
    rows = []
    for place, what in enumerate(WHAT):
        counts = np.sum([study["class effects"][place] for study in studies.values()], axis=0)
        rows.append([what, str(Rate(int(counts[0]), int(counts[1])))])
    return _table(["world with class effects", "% of times"], rows)


def replays(studies: dict[str, Any]) -> str:
    rows = []
    for kind, halves in REPLAYED.items():
        found = {name: study["replays"][kind] for name, study in studies.items() if study["replays"][kind]}
        characters = {name for name in found if name.startswith("omniglot")}
        for names, whose in ((set(found) - characters, "images"), (characters, "characters")):
            shares = np.array([found[name] for name in sorted(names)])
            rows.append([halves, f"{len(names)} of {whose}", *(over_studies(shares[:, way]) for way in (0, 1))])
    return _table(
        ["the halves", "studies", "agree by the interval for new classes, %", "by that for episodes, %"], rows
    )


def choices(studies: dict[str, Any]) -> str:
    """In words."""
    verdicts = Counter(choice["verdict"] for study in studies.values() for choice in study["choices"])
    beyond = sum(choice["lost"] > choice["threshold"] for study in studies.values() for choice in study["choices"])
    total = sum(verdicts.values())
    return (
        f"Chosen on one split's classes at 0.5, 1 and 2 points and judged on the other's, both ways: of {total} "
        f"choices other than the full pattern {verdicts['pass']} are confirmed, {verdicts['undecided']} undecided, "
        f"{verdicts['fail']} refuted; {beyond} lose more there than allowed in the mean."
    )


def over_studies(shares: Sequence[float] | np.ndarray[Any, Any]) -> str:
    """Mean share in %, with its 95 % interval over new studies (bootstrap of the studies, seed 0)."""
    plain = np.asarray(shares, dtype=float)
    drawn = np.random.default_rng(0).choice(plain, (4000, len(plain))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{100 * plain.mean():.0f} ({100 * low:.0f} … {100 * high:.0f})"


def _looks(count: int) -> str:
    return {1: "one look", 2: "and one extension"}.get(count, f"and {count - 1} extensions")


def pooled(record: dict[str, Any], world: str, rule: str, looks: int) -> str:
    """How often anything false passed at the first so many looks, over all studies, %."""
    counts = [study["looks"][world][rule][looks - 1] for study in record["studies"].values()]
    return str(_pooled(counts, record["draws"]))


def _pooled(counts: Sequence[int], draws: int) -> Rate:
    return Rate(sum(counts), draws * len(counts))


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])
