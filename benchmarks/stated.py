"""The candidates that docs/findings.md names, and its searches judged again: python -m benchmarks.stated

`python -m benchmarks.readme` puts the table into docs/findings.md.
"""

from __future__ import annotations

from dataclasses import replace

import click
import numpy as np
import pandas as pd
from scipy.stats import t as student

from lambda_core.analysis import compare_study, judge_transfer
from lambda_core.formatting import times, times_between, with_interval
from lambda_core.patterns import full_like
from lambda_core.selection import (
    Candidate,
    PairedDifference,
    SelectionSettings,
    candidate_index,
    dominating,
    episode_matrix,
)
from lambda_core.selection.paired_tests import MANY
from lambda_core.selection.sequential import distance
from lambda_core.studies import Study, list_studies, studies_root

# study, pattern, steps, steps of all layers beside it
NAMED = (
    ("cifar-fs-5w5s", "00001", 10, 5), ("cifar-fs-5w5s", "00011", 7, 5), ("cifar-fs-5w5s-pretrained", "00001", 9, 5),
    ("cifar-fs-5w1s-resnet12", "00001", 5, 5), ("cifar-fs-5w1s-boil", "00010", 4, 5),
    ("cifar-fs-5w1s-boil", "00001", 5, 5), ("cifar-fs-5w1s-anil", "00011", 1, 1), ("cifar-fs-5w1s-anil", "00111", 3, 3),
    ("omniglot-5w1s", "00001", 9, 3), ("omniglot-5w1s-pretrained", "00001", 10, 10),
    ("omniglot-20w1s", "00001", 10, 5), ("omniglot-20w1s", "00011", 7, 5), ("omniglot-20w1s", "01011", 1, 1),
    ("omniglot-20w1s", "00011", 2, 2), ("omniglot-20w1s", "00011", 10, 10),
    ("omniglot-20w1s-pretrained", "00001", 10, 10),
)  # fmt: skip


ELSEWHERE = ("00011", 7, 1.0)  # a pattern and its steps, points: judged on every study of its layers


@click.command()
def main() -> None:
    click.echo(stated())
    click.echo(elsewhere())
    for study in list_studies(studies_root())[0]:
        if study.search is not None:
            found, left = dominating(study.search), dominating(judged_again(study.search))
            click.echo(
                f"{study.name}: {len(found)} patterns dominate by the tests of then, {len(left)} by bounds of now"
            )


def stated() -> str:
    """In Markdown: points lost, with plain 95 % t intervals, and speed-up over all layers at the study's own steps."""
    head = ["study", "candidate", "beside all layers", "points lost, validation", "test", "speed-up"]
    rows = [_row(Study.load(name), pattern, steps, beside) for name, pattern, steps, beside in NAMED]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])


def elsewhere() -> str:
    """On which studies ELSEWHERE is shown to pass, on validation and test classes: one look each, uncorrected."""
    pattern, steps, threshold = ELSEWHERE
    studies = [study for study in list_studies(studies_root())[0] if study.measured and study.metadata.domain is None]
    verdicts = {}
    for study in studies:
        choice = compare_study(study, SelectionSettings()).choose(threshold)
        if study.config.backbone == "conv4":
            named = replace(choice, candidate=Candidate(pattern, steps, study.config.lr))
            seen = [judge_transfer(named, study, split) for split in ("val", "test")]
            verdicts[study.name] = " and ".join("not measured" if each is None else each.verdict for each in seen)
    return "\n".join(f"{pattern} x {steps} within {threshold:g} on {name}: {told}" for name, told in verdicts.items())


def judged_again(search: pd.DataFrame) -> pd.DataFrame:
    """The table of a search with `dominates` by bounds that hold at any number of episodes, for all rivals of a split.

    The table holds means and t intervals: skewness is not known, and taken for none.
    """
    rivals = search["gain"].notna().groupby(search["split"], observed=True).transform("sum")
    again = search["gain"].notna().to_numpy(copy=True)
    for row in np.flatnonzero(again):
        about, n = search.iloc[row], int(search["episodes"].iloc[row])
        error = (about["gain_high"] - about["gain"]) / student.ppf(0.975, n - 1)
        again[row] = about["gain"] >= error * distance(n, MANY * 0.05 / rivals.iloc[row])
    return search.assign(dominates=again)


def _row(study: Study, pattern: str, steps: int, beside: int) -> list[str]:
    candidate = Candidate(pattern, steps, study.config.lr)
    full = Candidate(full_like(pattern), beside, study.config.lr)
    table = compare_study(study, SelectionSettings()).candidates
    speed = table.iloc[candidate_index(table, candidate)]
    between = times_between(speed["speed_up_low"], speed["speed_up_high"])
    lost = [_lost(study.split(split), full, candidate) for split in ("val", "test")]
    named = f"`{pattern}` × {steps}"
    return [f"`{study.name}`", named, f"× {beside}", *lost, f"{times(speed['speed_up'])} ({between})"]


def _lost(accuracy: pd.DataFrame, full: Candidate, candidate: Candidate) -> str:
    candidates, matrix = episode_matrix(accuracy)
    rows = [matrix[candidate_index(candidates, each)] for each in (full, candidate)]
    paired = PairedDifference.in_points(rows[0], rows[1])
    mean, half = paired.mean.item(), paired.half_width(0.95).item()
    return with_interval(mean, mean - half, mean + half)


if __name__ == "__main__":
    main()
