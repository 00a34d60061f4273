"""Step × layer patterns against the per-layer ones they dominate, by the clock: python -m benchmarks.search_times

A search (`lambda-core search`) counts cost in multiply-adds. Here every pattern that it found to dominate is timed
beside its rival: support set to adapted weights, one thread, interleaved in an order drawn anew each round.
"""

from __future__ import annotations

from typing import Any

import click
import numpy as np
import pandas as pd

from benchmarks.records import record
from lambda_core.backbones import Backbone
from lambda_core.measurement import WARM_UPS, adaptation_time
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import dominating, untuned
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import prepare
from lambda_core.workflows import measurable

SEED = 2


@click.command()
@click.option("--rounds", default=200, show_default=True)
def main(rounds: int) -> None:
    prepare(threads=1)
    rivals = ((study, rivalries(study)) for study in list_studies(studies_root())[0])
    raced = ((study.name, told(study, pairs, race(study, pairs, rounds))) for study, pairs in rivals if pairs)
    record("search-times.json", {"rounds": rounds, "seed": SEED}, raced)


def rivalries(study: Study) -> list[tuple[str, str]]:
    """(what dominates, the per-layer candidate that it dominates), each as "pattern × steps"."""
    if study.search is None:
        return []
    val = untuned(study.search[study.search["split"] == "val"]).set_index(["pattern", "steps"])
    return [(f"{pattern} × {steps}", val.loc[(pattern, steps), "rival"]) for pattern, steps in dominating(study.search)]


def race(study: Study, pairs: list[tuple[str, str]], rounds: int) -> pd.DataFrame:
    """Milliseconds, a round a row and a candidate a column."""
    names = sorted({name for pair in pairs for name in pair})
    source, _ = measurable(study)
    bank = source.bank(study.config, "val", queries=1, seed=SEED)
    backbone, random = Backbone.of(study.model()), np.random.RandomState(SEED)
    rows = []
    for index in range(WARM_UPS + rounds):
        order = random.permutation(names)
        rows.append({name: _time(backbone, bank[index], name, study.config.lr) for name in order})
    return pd.DataFrame(rows[WARM_UPS:])[names]


def _time(backbone: Backbone, episode: Any, name: str, lr: float) -> float:
    pattern, steps = name.split(" × ")
    return adaptation_time(backbone, episode, LambdaPattern.parse(pattern, len(backbone.layers)), int(steps), lr)


def told(study: Study, pairs: list[tuple[str, str]], times: pd.DataFrame) -> list[dict[str, Any]]:
    click.echo(f"\n{study.name}: milliseconds (median), and its rival's time over its own (median, quartiles)")
    rows = []
    for ours, theirs in pairs:
        low, middle, high = np.percentile(times[theirs] / times[ours], (25, 50, 75))
        both = times[ours].median(), times[theirs].median()
        click.echo(f"  {ours:<36}{both[0]:6.2f}   {theirs:<12}{both[1]:6.2f}   {middle:5.2f}× ({low:.2f} … {high:.2f})")
        rows.append({"pattern": ours, "rival": theirs, "milliseconds": both, "ratio": [low, middle, high]})
    return rows


if __name__ == "__main__":
    main()
