"""Does training for it give one step more? python -m benchmarks.one_step

The experiment done fairly: a 4-CONV is meta-trained anew under each ARM (training pattern × inner steps), each for the
same iterations on the same episodes. An arm's inner step size is its own best: with seed 0 all of STEP_SIZES are
trained, and the best on validation classes after one step is trained with the other seeds too. What is done at test
(pattern, and a multiple of that step size) is picked on validation classes, over all seeds. Test classes then say how
far each arm is above plain MAML after one step, by the interval for new trainings, classes and episodes.

Kept under .runs/one-step: a stopped run goes on, and what is there can be told at any time with --tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from lambda_core.backbones import build_model
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import Source
from lambda_core.measurement import sweep
from lambda_core.patterns import LambdaPattern
from lambda_core.system import prepare, write_json
from lambda_core.training import meta_train

RUNS = Path(__file__).parent.parent / ".runs" / "one-step"
DATASETS = ("glyphs", "cifar-fs")
STEP_SIZES = (0.1, 0.4)
TESTED = ("11111", "00011", "00001")
SCALES = (1.0, 2.0, 4.0)
EPISODES = {"val": 100, "test": 200}
FRESH_SEED = 7


@dataclass(frozen=True)
class Arm:
    """How a model is trained: the inner loop's pattern and its number of steps."""

    pattern: str
    steps: int

    def __str__(self) -> str:
        return f"{self.pattern} x {self.steps}"


PLAIN = Arm("11111", 5)
ARMS = tuple(Arm(pattern, steps) for pattern in ("11111", "00001") for steps in (5, 1))


@dataclass(frozen=True)
class Training:
    """One meta-training, and the folder that keeps its checkpoint and scores."""

    folder: Path
    config: MetaTrainConfig

    @classmethod
    def of(cls, folder: Path, dataset: str, arm: Arm, lr: float, seed: int, iterations: int) -> Training:
        config = MetaTrainConfig(
            dataset, pattern=arm.pattern, steps=arm.steps, lr=lr, seed=seed, filters=16, meta_batch=2,
            iterations=iterations, validate_every=iterations, validation_episodes=2,
        )  # fmt: skip
        return cls(folder / f"{dataset}-{iterations}" / f"{arm.pattern}-{arm.steps}-{lr:g}-{seed}", config)

    def scores(self, split: str, source: Source) -> dict[str, list[float]]:
        """`pattern scale` → accuracy (0 to 1) of each episode after one step; trained and measured where not yet."""
        path = self.folder / f"{split}.json"
        if not path.exists():
            write_json(path, self._measured(split, source))
        scores: dict[str, list[float]] = json.loads(path.read_text(encoding="utf-8"))
        return scores

    def _measured(self, split: str, source: Source) -> dict[str, list[float]]:
        config = self.config
        trained = meta_train(config, self.folder, source, resume=True)
        model = build_model(config, *source.input)
        model.load_state_dict(trained.model.state_dict())
        patterns = [LambdaPattern.parse(pattern, len(TESTED[0])) for pattern in TESTED]
        bank = source.bank(config, split, seed=FRESH_SEED)
        table = sweep(model, bank, range(EPISODES[split]), patterns, 1, config.lr, split, scales=SCALES)
        one = table[table["steps"] == 1]
        scale = (one["lr"] / config.lr).round(3)
        groups = one.groupby([one["pattern"].astype(str), scale], observed=True)["accuracy"]
        click.echo(f"{self.folder.name}: {split} {100 * groups.mean().max():.1f} %")
        return {f"{pattern} {scale:g}": accuracy.round(5).tolist() for (pattern, scale), accuracy in groups}


def best_of(scores: dict[str, list[float]], pattern: str | None = None) -> tuple[str, float]:
    """What to do at test, by mean accuracy, and that mean. pattern: of this one alone."""
    means = {key: float(np.mean(values)) for key, values in scores.items() if pattern in (None, key.split()[0])}
    best = max(means, key=lambda key: means[key])
    return best, means[best]


@dataclass(frozen=True)
class Experiment:
    """All trainings of one data set."""

    folder: Path
    source: Source
    iterations: int

    def training(self, arm: Arm, lr: float, seed: int) -> Training:
        return Training.of(self.folder, self.source.name, arm, lr, seed, self.iterations)

    def step_size(self, arm: Arm) -> float:
        """The one whose training with seed 0 is best on validation classes."""
        tried = {lr: best_of(self.training(arm, lr, 0).scores("val", self.source))[1] for lr in STEP_SIZES}
        return max(tried, key=lambda lr: tried[lr])

    def run(self, arm: Arm, seed: int) -> None:
        training = self.training(arm, self.step_size(arm), seed)
        for split in EPISODES:
            training.scores(split, self.source)


def work(folder: Path, iterations: int, seeds: int) -> Iterator[Experiment]:
    """Seed after seed, so that whatever is there when it stops is whole for the seeds before."""
    experiments = [Experiment(folder, Source(dataset), iterations) for dataset in DATASETS]
    for seed in range(seeds):
        for experiment in experiments:
            for arm in ARMS:
                experiment.run(arm, seed)
    yield from experiments


@click.command()
@click.option("--iterations", default=250, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--runs", default=RUNS, show_default=True, type=click.Path(path_type=Path), help="Where trainings lie.")
def main(**options: Any) -> None:
    prepare(threads=1)
    for experiment in work(options["runs"], options["iterations"], options["seeds"]):
        click.echo(f"{experiment.source.name}: done")


if __name__ == "__main__":
    main()
