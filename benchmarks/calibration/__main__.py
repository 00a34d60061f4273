"""Does selection keep its promise? python -m benchmarks.calibration

For each measured study: worlds resampled from its table, looked at again and again and with 51 thresholds (`looks`);
worlds with class effects (`class_effects`); split-half replays over its classes (`replays`). With them, worlds drawn
from distributions (`figure`), which docs/promise.svg shows. Writes benchmarks/results/calibration.json and
calibration-drawn.json; `python -m benchmarks.readme` puts the tables into docs/measuring.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import numpy as np

from benchmarks.calibration import class_effects, figure, replays
from benchmarks.calibration.looks import LOOKS, WORLDS, false_passes
from benchmarks.calibration.resampled import Population
from benchmarks.records import RESULTS, record
from lambda_core.selection import Choice, Confirmation
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import write_json


@click.command()
@click.option("--draws", default=100, show_default=True, help="Worlds of each kind a study.")
@click.option("--drawn/--no-drawn", default=True, show_default=True, help="Also worlds drawn from distributions.")
@click.argument("names", nargs=-1)
def main(draws: int, drawn: bool, names: tuple[str, ...]) -> None:
    measured = (study for study in list_studies(studies_root())[0] if study.measured)
    studies = [study for study in measured if study.metadata.domain is None]  # those on other data are read elsewhere
    found = ((study.name, told(study, draws)) for study in studies if not names or study.name in names)
    record("calibration.json", {"draws": draws, "looks": LOOKS, "confidence": 0.95}, found)
    if drawn:
        errors, powers, hardest = figure.simulate(draws)
        figure.draw(errors, powers)
        lines = {"errors": errors, "powers": powers, "hardest": hardest}
        write_json(RESULTS / "calibration-drawn.json", {"draws": draws, "episodes": figure.EPISODES, **lines})


def told(study: Study, draws: int) -> dict[str, Any]:
    click.echo(study.name)
    return {
        "looks": dict(looked_at(study, draws)),
        "class effects": [[rate.count, rate.draws] for rate in class_effects.misses(study, draws)],
        "replays": replayed(study),
        "choices": [chosen(*each) for each in replays.choices(study)],
    }


def looked_at(study: Study, draws: int) -> Iterator[tuple[str, dict[str, list[int]]]]:
    """World → rule → in how many worlds something passed that should not have, at the first 1, 2, … looks."""
    measured = Population.of(study)
    for name, (made_from, thresholds) in WORLDS.items():
        rates = false_passes(made_from(measured), thresholds, measured.lost.shape[1], draws)
        yield name, {rule: [rate.count for rate in each] for rule, each in rates.items()}


def replayed(study: Study) -> dict[str, Any]:
    """Shares of patterns whose two halves agree, by the intervals for new classes and by those for new episodes."""
    splits, *divisions = (np.array(list(replays.covered(*pair))) for pair in replays.halves(study))
    return {
        "splits": splits.mean(axis=0).tolist(),
        "divisions": np.concatenate(divisions).mean(axis=0).tolist() if divisions else None,
        "counted": len(divisions),
    }


def chosen(choice: Choice, seen: Confirmation) -> dict[str, Any]:
    return {
        "choice": f"{choice.pattern} x {choice.steps}",
        "threshold": choice.threshold,
        "lost": seen.degradation.estimate,
        "verdict": seen.verdict,
    }


if __name__ == "__main__":
    main()
