"""What a training pattern that changes over the iterations saves: python -m benchmarks.schedules

Meta-trains the recipe of a shipped study anew, shorter, under each of PATTERNS: from the same weights, on the same
episodes, in turn by blocks of iterations in one process and one thread, so that other work on the machine slows all
alike. Kept under .runs/schedules: a stopped run goes on. Each one's best weights (by validation accuracy) are then
scored on fresh episodes of validation classes, at the study's own step count.

The intervals are over episodes; what another seed would train is not in them (see --seed).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.records import record
from lambda_core.backbones import build_model
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import Source
from lambda_core.measurement import sweep
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import PairedDifference, half_width_of_mean
from lambda_core.studies import Study, studies_root
from lambda_core.system import prepare
from lambda_core.training import MetaTrainer, meta_train

FULL, HEAD = "11111", "00001"
PATTERNS = (FULL, f"{HEAD}+{FULL}", f"{HEAD}+{HEAD}+{HEAD}+{FULL}", HEAD)
BLOCK = 100
FRESH_SEED = 5
RUNS = Path(__file__).parent.parent / ".runs" / "schedules"


@click.command()
@click.option("--like", default="cifar-fs-5w1s", show_default=True, help="The 4-CONV study whose recipe is trained.")
@click.option("--iterations", default=4000, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the initial weights and of the training episodes.")
@click.option("--episodes", default=600, show_default=True, help="Fresh ones, to score with.")
def main(like: str, iterations: int, seed: int, episodes: int) -> None:
    prepare(threads=1)
    recipe = Study.load(studies_root() / like).config.but(
        iterations=iterations, seed=seed, validate_every=min(500, iterations), validation_episodes=200
    )
    source = Source(recipe.dataset)
    trained = train_in_turn([recipe.but(pattern=pattern) for pattern in PATTERNS], source)
    scores = {each.config.pattern: scored(each, source, episodes) for each in trained}
    conditions = {"recipe": recipe.but(pattern=FULL).to_dict(), "episodes": episodes, "seed": FRESH_SEED}
    results = ((each.config.pattern, told(each, scores)) for each in trained)
    record(f"schedules-{like}-{iterations}-{seed}.json", conditions, results)


def train_in_turn(configs: list[MetaTrainConfig], source: Source) -> list[MetaTrainer]:
    """A block of each, and again, until all are trained."""
    iterations = configs[0].iterations
    for end in range(BLOCK, iterations + BLOCK, BLOCK):
        trained = [
            meta_train(config, folder_of(config), source, resume=True, stop_at=min(end, iterations))
            for config in configs
        ]
        click.echo(", ".join(f"{each.config.pattern}: {each.iteration} in {each.seconds:.0f} s" for each in trained))
    return trained


def folder_of(config: MetaTrainConfig) -> Path:
    return RUNS / f"{config.dataset}-{config.ways}w{config.shots}s-{config.iterations}-{config.seed}" / config.pattern


def scored(trainer: MetaTrainer, source: Source, episodes: int) -> dict[str, NDArray[Any]]:
    """Accuracy (0 to 1) on each fresh episode after adaptation with all layers, and with the head alone."""
    config = trainer.config
    model = build_model(config, *source.input)
    model.load_state_dict(trainer.best.weights)
    patterns = [LambdaPattern.parse(pattern, len(trainer.objective.backbone.layers)) for pattern in (FULL, HEAD)]
    bank = source.bank(config, "val", seed=FRESH_SEED)
    table = sweep(model, bank, range(episodes), patterns, config.steps, config.lr)
    last = table[table["steps"] == config.steps]
    return {str(name): of["accuracy"].to_numpy() for name, of in last.groupby("pattern", observed=True)}


def told(trainer: MetaTrainer, scores: dict[str, dict[str, NDArray[Any]]]) -> dict[str, Any]:
    """Prints and returns the time, the accuracies and the points above training with all layers throughout."""
    own, reference = scores[trainer.config.pattern], scores[FULL]
    accuracy = {name: points(values) for name, values in own.items()}
    gain = PairedDifference.of(100 * (own[FULL] - reference[FULL])[None])
    above = (float(gain.mean[0]), float(gain.half_width(0.95)[0]))
    click.echo(
        f"{trainer.config.pattern}: {trainer.seconds:.0f} s; after {trainer.config.steps} steps "
        + ", ".join(f"{name} {mean:.1f} ± {half:.1f} %" for name, (mean, half) in accuracy.items())
        + f"; {above[0]:+.1f} ± {above[1]:.1f} points beside {FULL} throughout"
    )
    return {
        "seconds": trainer.seconds,
        "best iteration": trainer.best.iteration,
        "accuracy": accuracy,
        "points above the full pattern throughout": above,
        "validations": validations(trainer.log.table),
    }


def points(values: NDArray[Any]) -> tuple[float, float]:
    """Mean and half the 95 % interval, in percent."""
    return 100 * float(np.mean(values)), 100 * float(half_width_of_mean(values[None])[0])


def validations(training: pd.DataFrame) -> list[dict[str, float]]:
    """Iteration, seconds and accuracy of each validation."""
    done = training.dropna(subset=["val_accuracy"])
    return done[["iteration", "seconds", "val_accuracy"]].to_dict("records")


if __name__ == "__main__":
    main()
