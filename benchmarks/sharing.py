"""What a sweep saves by sharing: python -m benchmarks.sharing. Multiply-adds that really ran, and seconds.

On one validation episode of every shipped image study whose data is at hand, every pattern at every step count of its
sweep, three times over:

shared    as `lambda-core sweep` does it;
separate  each adapted by itself, from the start, with the same fast inner loop, and its queries scored;
plain     for 4-CONV: the same with the library's own modules, frozen layers without gradients, and torch.optim.SGD.

All three must end with the same query losses: in the median over the candidates to TOLERANCE. Single ones may part
further where an adaptation blows up and float32 with it; the largest difference is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from benchmarks.peers import copy_and_sgd
from benchmarks.records import record
from lambda_core.adaptation import adapt
from lambda_core.backbones import Backbone
from lambda_core.episodes import Episode
from lambda_core.measurement import SharedEpisode
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import prepare
from lambda_core.workflows import measurable
from tests.support.oracle import Calls, plain_conv4

SEED = 4
TOLERANCE = 1e-5


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    prepare(threads=1)
    swept = (study for study in list_studies(studies_root())[0] if study.sweep_config is not None)
    found = ((study.name, told(Work.of(study))) for study in swept if not names or study.name in names)
    record("sharing.json", {"seed": SEED}, found)


@dataclass(frozen=True)
class Work:
    """What is to be done in every way: `patterns` × 1 … `steps` on one episode."""

    study: Study
    episode: Episode
    patterns: list[LambdaPattern]
    steps: int

    @classmethod
    def of(cls, study: Study) -> Work:
        assert study.sweep_config is not None
        episode = measurable(study)[0].bank(study.config, "val", seed=SEED)[0]
        return cls(study, episode, LambdaPattern.enumerate(len(study.layers))[1:], study.sweep_config.max_steps)

    def shared(self) -> list[float]:
        together = SharedEpisode(Backbone.of(self.study.model()), self.episode, self.study.config.lr)
        return [float(loss) for each in self.patterns for loss in together.trajectory(each, self.steps)[:, 1]]

    def separate(self) -> list[float]:
        backbone = Backbone.of(self.study.model())
        return [self._score(backbone, pattern, steps) for pattern, steps in self._candidates()]

    def adaptation_alone(self) -> list[float]:
        backbone = Backbone.of(self.study.model())
        for pattern, steps in self._candidates():
            adapt(backbone, self.episode.support_x, self.episode.support_y, pattern, steps, self.study.config.lr)
        return []

    def plain(self) -> list[float]:
        size, channels = self.study.input
        model = plain_conv4(self.study.config.ways, self.study.config.filters, channels, size)
        model.load_state_dict(self.study.model().state_dict())
        x, y = self.episode.support_x.contiguous(), self.episode.support_y
        losses = []
        for pattern, steps in self._candidates():
            _freeze(model, self.study.layers, pattern)
            weights = copy_and_sgd(model, x, y, steps, self.study.config.lr)
            with torch.no_grad():
                losses.append(self._loss(functional_call(model, weights, (self.episode.query_x.contiguous(),))))
        return losses

    def _candidates(self) -> list[tuple[LambdaPattern, int]]:
        return [(pattern, steps) for pattern in self.patterns for steps in range(1, self.steps + 1)]

    def _score(self, backbone: Backbone, pattern: LambdaPattern, steps: int) -> float:
        given = self.episode.support_x, self.episode.support_y
        weights = adapt(backbone, *given, pattern, steps, self.study.config.lr).weights
        with torch.inference_mode():
            return self._loss(backbone.forward(weights, backbone.prepare_input(self.episode.query_x)))

    def _loss(self, logits: Tensor) -> float:
        return float(F.cross_entropy(logits, self.episode.query_y))


def _freeze(model: nn.Module, layers: tuple[str, ...], pattern: LambdaPattern) -> None:
    for name, updated in zip(layers, pattern.rows[0], strict=True):
        model.get_submodule(name).requires_grad_(updated)


def told(work: Work) -> dict[str, Any]:
    ways = [work.shared, work.separate, work.adaptation_alone]
    if work.study.config.backbone == "conv4":
        ways.append(work.plain)
    found = {way.__name__: measured(way) for way in ways}
    losses = {name: np.array(one.pop("losses")) for name, one in found.items()}
    for name in losses.keys() & {"separate", "plain"}:
        differences = np.abs(losses[name] - losses["shared"])
        assert np.median(differences) < TOLERANCE, f"{work.study.name}: {name} and shared differ"
        found[name]["largest difference of a query loss"] = float(differences.max())
    least = found["shared"]
    click.echo(f"\n{work.study.name}: {len(work.patterns)} patterns, {work.steps} steps")
    for name, one in found.items():
        ratios = [one[what] / least[what] for what in ("multiply_adds", "seconds")]
        giga = one["multiply_adds"] / 1e9
        click.echo(
            f"  {name:<18}{giga:8.1f} G multiply-adds ({ratios[0]:5.2f}){one['seconds']:8.2f} s ({ratios[1]:5.2f})"
        )
    return {"patterns": len(work.patterns), "steps": work.steps, **found}


def measured(way: Callable[[], list[float]]) -> dict[str, Any]:
    """Counted in one run, timed in the next."""
    with Calls() as calls:
        way()
    begin = time.perf_counter()
    losses = way()
    return {"seconds": time.perf_counter() - begin, "multiply_adds": calls.multiply_adds, "losses": losses}


if __name__ == "__main__":
    main()
