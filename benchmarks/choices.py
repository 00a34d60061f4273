"""Every choice that the documents state, before and now, with the reason for each change: python -m benchmarks.choices

For each measured study and each threshold of the report: pattern, steps, speed-up, points lost on validation classes
and what test classes say; then the choice of the rule of before (`earlier_rule`) on the same tables, and why it is
another now. Writes benchmarks/results/choices.json, which docs/choices.md shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from benchmarks.earlier_rule import earlier_row
from benchmarks.records import RESULTS
from lambda_core.analysis import compare_study
from lambda_core.formatting import number, times, with_interval
from lambda_core.selection import SLOWER, Choice, Comparison, SelectionSettings, confirm
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import write_json

THRESHOLDS = (0.5, 1.0, 2.0)  # points
COLUMNS = ("study", "within", "before", "now", "points lost", "on test classes", "why")


@click.command()
@click.option("--confidence", default=0.95, show_default=True)
def main(confidence: float) -> None:
    found = []
    for study in list_studies(studies_root())[0]:
        if study.measured and study.metadata.domain is None:
            for row in choices(study, confidence):
                found.append(row)
                click.echo("  ".join(str(row[name]) for name in COLUMNS))
    write_json(RESULTS / "choices.json", {"confidence": confidence, "choices": found})


def choices(study: Study, confidence: float) -> Iterator[dict[str, Any]]:
    """A row a threshold, all in words but for numbers that `benchmarks.audit` counts."""
    comparison = compare_study(study, SelectionSettings(confidence=confidence))
    for threshold in THRESHOLDS:
        choice, before = comparison.choose(threshold, confidence), earlier_row(comparison, threshold, confidence)
        seen = confirm(choice, study.split("test"))
        now = comparison.row_at(threshold, confidence)
        yield {
            "study": study.name,
            "within": threshold,
            "before": named(comparison, before),
            "now": named(comparison, now),
            "points lost": with_interval(*choice.degradation),
            "on test classes": f"{with_interval(*seen.degradation)}, {seen.verdict}",
            "why": why(comparison, choice, before, now),
            "differing before": int(comparison.degradation.differing[before]),
            "slower before": slower_than_fastest(comparison, choice, before),
        }


def named(comparison: Comparison, row: int) -> str:
    """Such as `00001` × 4, 10.6×."""
    about = comparison.candidates.iloc[row]
    return f"`{about['pattern']}` × {about['steps']}, {times(about['speed_up'])}"


def why(comparison: Comparison, choice: Choice, before: int, now: int) -> str:
    """The reason why the former choice is not the present one, computed from what is known of both."""
    if before == now:
        return "the same"
    bounds = comparison.bounds_at(choice.confidence)[1]
    if bounds[before] > choice.threshold:
        return f"before is not shown any more: it loses at most {number(bounds[before])} points"
    cost = comparison.speed_ups.cost
    if cost[now] < cost[before]:
        share = cost[before] / cost[now] - 1
        return f"now is faster by {100 * share:.0f} % in paired rounds, and passes"
    return f"now is at most {100 * SLOWER:.0f} % slower, and is shown to lose less"


def slower_than_fastest(comparison: Comparison, choice: Choice, row: int) -> float:
    """By which share the former choice was slower, in paired rounds, than the fastest that passes now."""
    passing = (choice.verdicts["verdict"] == "pass").to_numpy()
    cost = comparison.speed_ups.cost
    return float(cost[row] / cost[passing].min() - 1)


if __name__ == "__main__":
    main()
