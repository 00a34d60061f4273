"""Is it the head's start that decides which layers must move? python -m benchmarks.equal_heads

Every 4-CONV study whose data is at hand is adapted twice, on the same validation episodes: from its own initialisation,
and from the same one with the rows of the head (and its biases) all set to their mean, so that no class starts with
anything of its own. Accuracies after the study's own step count, and paired differences in points (95 %).

That all classes may start from one classifier is due to Ye and Chao 2022 (arXiv 2106.16245), who train with it; here it
is put into models that were trained without.
"""

from __future__ import annotations

from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.records import record
from lambda_core.backbones import fill_but_head
from lambda_core.measurement import sweep
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import PairedDifference
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import prepare
from lambda_core.workflows import measurable

PATTERNS = ("11111", "00011", "00001", "11110")
SEED = 6


@click.command()
@click.argument("names", nargs=-1)
@click.option("--episodes", default=100, show_default=True, help="Of validation classes.")
def main(names: tuple[str, ...], episodes: int) -> None:
    prepare(threads=1)
    measured = (study for study in list_studies(studies_root())[0] if study.measured)
    chosen = (study for study in measured if study.config.backbone == "conv4" and (not names or study.name in names))
    found = ((study.name, told(study, episodes)) for study in chosen)
    record("equal-heads.json", {"episodes": episodes, "seed": SEED}, found)


def told(study: Study, episodes: int) -> dict[str, Any]:
    own = scores(study, study.model(), episodes)
    equal = scores(study, with_equal_rows(study.model()), episodes)
    click.echo(f"\n{study.name}, after {study.config.steps} steps: own rows, equal rows, gain; lost to full")
    rows = {pattern: compared(own, equal, pattern) for pattern in PATTERNS}
    for pattern, row in rows.items():
        click.echo(
            f"  {pattern}  {row['own']:5.1f} %  {row['equal']:5.1f} %  {_told(row['gain'])}  "
            f"{_told(row['lost, own rows'])} → {_told(row['lost, equal rows'])}"
        )
    return rows


def with_equal_rows(model: nn.Sequential) -> nn.Sequential:
    """The model itself, the rows and biases of its head set to their mean."""
    fill_but_head(model, model.state_dict(), "equal")
    return model


def scores(study: Study, model: nn.Sequential, episodes: int) -> dict[str, NDArray[Any]]:
    """Accuracy in % of each pattern, an episode each."""
    config = study.config
    bank = measurable(study)[0].bank(config, "val", queries=15, seed=SEED)
    patterns = [LambdaPattern.parse(pattern, len(study.layers)) for pattern in PATTERNS]
    table = sweep(model, bank, range(episodes), patterns, config.steps, config.lr)
    last = table[table["steps"] == config.steps]
    return {str(name): 100 * of["accuracy"].to_numpy() for name, of in last.groupby("pattern", observed=True)}


def compared(own: dict[str, NDArray[Any]], equal: dict[str, NDArray[Any]], pattern: str) -> dict[str, Any]:
    full = PATTERNS[0]
    return {
        "own": float(own[pattern].mean()),
        "equal": float(equal[pattern].mean()),
        "gain": difference(equal[pattern], own[pattern]),
        "lost, own rows": difference(own[full], own[pattern]),
        "lost, equal rows": difference(equal[full], equal[pattern]),
    }


def difference(ours: NDArray[Any], theirs: NDArray[Any]) -> tuple[float, float]:
    """Mean of the paired differences, and half its 95 % interval."""
    paired = PairedDifference.of(np.asarray(ours - theirs, dtype=float)[None])
    return float(paired.mean[0]), float(paired.half_width(0.95)[0])


def _told(value: tuple[float, float]) -> str:
    return f"{value[0]:+.1f} ± {value[1]:.1f}"


if __name__ == "__main__":
    main()
