"""Does training for it give one step more? python -m benchmarks.one_step

The experiment done fairly: a 4-CONV is meta-trained anew under each ARM (training pattern × inner steps), each for the
same iterations on the same episodes. An arm's inner step size is its own best: with seed 0 all of STEP_SIZES are
trained, and the best on validation classes after one step is trained with the other seeds too. What is done at test
(pattern, and a multiple of that step size) is picked on validation classes, over all seeds. Test classes then say how
far each arm is above plain MAML after one step, by the interval for new trainings, classes and episodes.

Kept under .runs/one-step: a stopped run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.records import RESULTS
from lambda_core.backbones import build_model
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import EpisodeBank, Source
from lambda_core.formatting import interval, signed, with_interval
from lambda_core.measurement import sweep
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import Floats, Interval, Populations
from lambda_core.system import environment, prepare, write_json
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


FULL = "11111"
PLAIN, PLAIN_ONE = Arm(FULL, 5), Arm(FULL, 1)
ARMS = tuple(Arm(pattern, steps) for pattern in (FULL, "00001") for steps in (5, 1))


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


@dataclass(frozen=True)
class Result:
    """An arm after one step on test classes: points, with the interval for new trainings, classes and episodes."""

    arm: Arm
    lr: float
    at_test: str
    accuracy: Interval
    above: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        above = {name: gain.as_dict("points") for name, gain in self.above.items()}
        return {
            "inner step size": self.lr,
            "at test": self.at_test,
            "accuracy, %": self.accuracy.as_dict("accuracy"),
            "points above": above,
        }


def tell(experiment: Experiment, seeds: int) -> dict[str, Any]:
    """Prints and returns what test classes say of every arm."""
    classes = classes_on_test(experiment.source)
    values = {arm: on_test(experiment, arm, seeds) for arm in ARMS}
    found = {}
    for arm, (at_test, scores) in values.items():
        rivals = {str(rival): values[rival][1] for rival in (PLAIN, PLAIN_ONE) if rival != arm}
        above = {rival: Populations.of(scores - others, classes).widest for rival, others in rivals.items()}
        # the same step size and weights, all layers updated at test: what the pattern at test alone adds
        above["all layers at test"] = Populations.of(scores - on_test(experiment, arm, seeds, FULL)[1], classes).widest
        accuracy = Populations.of(scores, classes).widest
        result = Result(arm, experiment.step_size(arm), at_test, accuracy, above)
        found[str(arm)] = result.as_dict()
        gains = "; ".join(f"beside {name} {signed(gain.estimate)} ({interval(gain.low, gain.high)})"
                          for name, gain in above.items())  # fmt: skip
        click.echo(f"  {arm}, {result.lr:g}: {with_interval(*accuracy)} % by {at_test}; {gains}")
    return found


def on_test(experiment: Experiment, arm: Arm, seeds: int, pattern: str | None = None) -> tuple[str, Floats]:
    """What to do at test, best on validation over all seeds, and its accuracies (seeds, episodes) there, in percent.

    pattern: the best multiple of the step size for this pattern alone.
    """
    trainings = [experiment.training(arm, experiment.step_size(arm), seed) for seed in range(seeds)]
    val = [training.scores("val", experiment.source) for training in trainings]
    together = {key: [float(np.mean(each[key])) for each in val] for key in val[0]}
    best, _ = best_of(together, pattern)
    return best, 100 * np.array([training.scores("test", experiment.source)[best] for training in trainings])


def classes_on_test(source: Source) -> NDArray[np.int64]:
    bank = source.bank(MetaTrainConfig(source.name), "test", seed=FRESH_SEED)
    assert isinstance(bank, EpisodeBank)
    return np.array([bank.classes_of(index) for index in range(EPISODES["test"])])


@click.command()
@click.option("--iterations", default=250, show_default=True)
@click.option("--seeds", default=5, show_default=True)
@click.option("--runs", default=RUNS, show_default=True, type=click.Path(path_type=Path), help="Where trainings lie.")
def main(iterations: int, seeds: int, runs: Path) -> None:
    prepare(threads=1)
    conditions = {
        "environment": environment(),
        "iterations": iterations,
        "seeds": seeds,
        "step sizes": STEP_SIZES,
        "multiples at test": SCALES,
        "patterns at test": TESTED,
        "episodes": EPISODES,
        "seed of the episodes": FRESH_SEED,
        "config": Training.of(runs, DATASETS[0], PLAIN, STEP_SIZES[0], 0, iterations).config.to_dict(),
    }
    found = {}
    for experiment in work(runs, iterations, seeds):
        click.echo(f"{experiment.source.name}, after one step on test classes, {seeds} seeds:")
        found[experiment.source.name] = tell(experiment, seeds)
    write_json(RESULTS / "one-step.json", conditions | {"found": found})


if __name__ == "__main__":
    main()
