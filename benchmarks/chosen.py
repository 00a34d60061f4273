"""The shipped choices beside other libraries: python -m benchmarks.chosen

For every 4-CONV study measured on images like those of its training, whose data is at hand: the pattern and step count
chosen within THRESHOLD points on validation classes, beside the full pattern at the study's own step count, by us and
by each library (the textbook model with the same weights). One interleaved run a study, on validation episodes of its
own; one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click
from torch import Tensor

from benchmarks.adaptation import Contestant, fastest_peer, last, race, ratio
from benchmarks.peers import available
from benchmarks.records import record
from lambda_core.adaptation import adapt
from lambda_core.analysis import choose
from lambda_core.backbones import Backbone
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import Choice, SelectionSettings
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import prepare
from lambda_core.workflows import measurable
from tests.support.oracle import plain_conv4

THRESHOLD, SEED = 1.0, 2


@click.command()
@click.argument("names", nargs=-1)
@click.option("--rounds", default=60, show_default=True)
def main(names: tuple[str, ...], rounds: int) -> None:
    prepare(threads=1)
    measured = (each for each in list_studies(studies_root())[0] if each.measured and each.metadata.domain is None)
    chosen = (study for study in measured if study.config.backbone == "conv4" and (not names or study.name in names))
    found = ((study.name, told(study, rounds)) for study in chosen)
    record("chosen.json", {"rounds": rounds, "seed": SEED, "threshold": THRESHOLD}, found)


def told(study: Study, rounds: int) -> dict[str, Any]:
    choice = chosen(study)
    times = race(contestants(study, choice), rounds, support_sets(study))
    peer = fastest_peer(times)
    over = {name: ratio(times, name, "our choice") for name in (peer, "our full")}
    ratios = ", ".join(f"{value:.1f}× over {name}" for name, value in over.items())
    click.echo(f"{study.name}: {choice.pattern} × {choice.steps}: {ratios}")
    return {
        "pattern": choice.pattern,
        "steps": choice.steps,
        "fastest peer": peer,
        "over the peer": over[peer],
        "over our full": over["our full"],
        "milliseconds": times.median().to_dict(),
    }


def chosen(study: Study) -> Choice:
    return choose(study, SelectionSettings(THRESHOLD))[0]


def contestants(study: Study, choice: Choice) -> dict[str, Contestant]:
    config, (size, channels) = study.config, study.input
    textbook = plain_conv4(config.ways, config.filters, channels, size)
    textbook.load_state_dict(study.model().state_dict())
    prepared, layers = Backbone.of(study.model()), len(study.layers)
    ours = {
        "our full": (LambdaPattern.full(layers), config.steps),
        "our choice": (LambdaPattern.parse(choice.pattern, layers), choice.steps),
    }
    found: dict[str, Contestant] = {
        name: partial(_with_peer, peer, textbook, config.steps, config.lr) for name, peer in available().items()
    }
    return found | {name: partial(_ours, prepared, *given, config.lr) for name, given in ours.items()}


def _with_peer(peer: Any, model: Any, steps: int, lr: float, x: Tensor, y: Tensor) -> None:
    peer(model, x, y, steps, lr)


def _ours(backbone: Backbone, pattern: LambdaPattern, steps: int, lr: float, x: Tensor, y: Tensor) -> None:
    adapt(backbone, last(x), y, pattern, steps, lr)


def support_sets(study: Study) -> Callable[[int], tuple[Tensor, Tensor]]:
    """The support set of an episode by its number, in the library's default memory format."""
    bank = measurable(study)[0].bank(study.config, "val", queries=1, seed=SEED)

    def support(number: int) -> tuple[Tensor, Tensor]:
        episode = bank[number]
        return episode.support_x.contiguous(), episode.support_y

    return support


if __name__ == "__main__":
    main()
