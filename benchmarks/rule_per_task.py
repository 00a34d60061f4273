"""Does asking the support set, task by task, beat one pattern for all? python -m benchmarks.rule_per_task [STUDY …]

A rule looks at the first gradient of all layers on an episode's support set, and chooses the pattern that this episode
is adapted under: `within` a cost, of the patterns that cost at most a given share of the full one, that whose layers
score most; or `above` a share, the layers that score at least that share of the highest score. A layer's score is one
of

- `norm`: norm of its gradient over that of its weights (relative gradient norm, Auto-RGN: Lee et al. 2023, arXiv
  2210.11466);
- `fisher`: Fisher information of its outputs, half the mean square over images of the sum over places of activation
  times gradient, over channels (TinyTrain: Kwon et al. 2024, arXiv 2307.09988);

as it is, or over the layer's multiply-adds (`… / cost`). The sweep has measured every pattern on every episode, so what
a rule would have got is read from the study's table. A rule is judged as one candidate: criterion and share are picked
on validation classes (the most accurate there), and compared once, episode by episode on test classes, with the most
accurate fixed pattern that costs no more at the same step count, picked on validation classes too. The asking is paid:
one full step, in multiply-adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.records import record
from lambda_core.analysis import compare_study
from lambda_core.backbones import Backbone
from lambda_core.formatting import with_interval
from lambda_core.selection import PairedDifference, SelectionSettings, episode_matrix
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import prepare
from lambda_core.workflows import measurable

CRITERIA = ("norm", "fisher", "norm / cost", "fisher / cost")
SHARES = {"within": (0.1, 0.2, 0.3, 0.5, 0.75), "above": (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)}
Scores = dict[str, NDArray[np.float64]]


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    prepare(threads=1)
    studies = [study for study in list_studies(studies_root())[0] if study.measured and study.layer_costs]
    chosen = [study for study in studies if not names or study.name in names]
    record("rule-per-task.json", {"shares": SHARES}, ((study.name, told(study)) for study in chosen))


def told(study: Study) -> dict[str, Any]:
    """The best rule of each kind beside the best fixed pattern, on test classes."""
    tables = {split: Tables.of(study, split) for split in ("val", "test")}
    scores = {split: scores_of(study, split, part.accuracy.shape[1]) for split, part in tables.items()}
    found = {kind: judged(kind, tables, scores, 1 / study.reference_steps) for kind in SHARES}
    for kind, row in found.items():
        click.echo(
            f"{study.name}: {row['criterion']} {kind} {row['share']:.0%}, {row['patterns picked']} patterns picked: "
            f"{row['rule accuracy']:.1f} %, cost {row['rule cost']:.2f} of full; fixed `{row['fixed']}`: "
            f"{row['fixed accuracy']:.1f} %, cost {row['fixed cost']:.2f}; the rule gains "
            f"{with_interval(*row['gain'])} points"
        )
    return found


@dataclass(frozen=True, eq=False)
class Tables:
    """Of one split at the study's own steps and step size: patterns, accuracies (patterns, episodes), costs of full."""

    patterns: list[str]
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]

    @property
    def layers(self) -> NDArray[np.bool_]:
        """(patterns, layers) which are updated."""
        return np.array([[cell == "1" for cell in pattern] for pattern in self.patterns])

    @classmethod
    def of(cls, study: Study, split: str) -> Tables:
        table = compare_study(study, SelectionSettings()).candidates
        costs = table.set_index(["pattern", "steps"])["multiply_adds"]
        candidates, matrix = episode_matrix(study.split(split))
        own = (candidates["steps"] == study.reference_steps) & np.isclose(candidates["lr"], study.config.lr)
        patterns = candidates["pattern"][own].tolist()
        full = float(costs[("1" * len(study.layers), study.reference_steps)])
        return cls(patterns, matrix[own], np.array([costs[(each, study.reference_steps)] for each in patterns]) / full)


def judged(kind: str, tables: dict[str, Tables], scores: dict[str, Scores], asking: float) -> dict[str, Any]:
    """asking: what it costs, of the full pattern."""
    val, test = tables["val"], tables["test"]
    apply = {"within": within_cost, "above": above_share}[kind]
    rules = {rule: apply(val, scores["val"][rule[0]], rule[1]) for rule in product(CRITERIA, SHARES[kind])}
    best = max(rules, key=lambda rule: accuracy_of(val, rules[rule]).mean())
    picks = apply(test, scores["test"][best[0]], best[1])
    spent = asking + test.cost[picks].mean()
    affordable = np.flatnonzero(val.cost <= asking + val.cost[rules[best]].mean())
    fixed = int(affordable[val.accuracy[affordable].mean(axis=1).argmax()])
    ours, theirs = accuracy_of(test, picks), test.accuracy[test.patterns.index(val.patterns[fixed])]
    paired = PairedDifference.in_points(ours, theirs)  # what the fixed one loses against the rule: the rule's gain
    return {
        "criterion": best[0],
        "share": best[1],
        "rule accuracy": 100 * float(ours.mean()),
        "rule cost": float(spent),
        "fixed": val.patterns[fixed],
        "fixed accuracy": 100 * float(theirs.mean()),
        "fixed cost": float(val.cost[fixed]),
        "gain": [float(each) for each in paired.interval(0.95)],
        "episodes": len(ours),
        "patterns picked": len(np.unique(picks)),
    }


def within_cost(part: Tables, scores: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """(episodes,) places in `part.patterns`: of those that cost at most `share`, the one whose layers score most."""
    layers = part.layers.astype(float)
    affordable = np.flatnonzero((part.cost <= share) & layers.any(axis=1))
    if not len(affordable):
        affordable = np.array([int(np.where(layers.any(axis=1), part.cost, np.inf).argmin())])
    total = layers[affordable] @ scores.T
    picked: NDArray[np.int64] = affordable[total.argmax(axis=0)]
    return picked


def above_share(part: Tables, scores: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """(episodes,) places in `part.patterns`: the layers that score at least `share` of the highest score."""
    asked = scores >= share * scores.max(axis=1, keepdims=True)
    known = {tuple(row): place for place, row in enumerate(part.layers.tolist())}
    return np.array([known[tuple(row)] for row in asked.tolist()])


def accuracy_of(part: Tables, picks: NDArray[np.int64]) -> NDArray[np.float64]:
    """(episodes,) what each episode got under the pattern picked for it."""
    found: NDArray[np.float64] = part.accuracy[picks, np.arange(len(picks))]
    return found


def scores_of(study: Study, split: str, episodes: int) -> Scores:
    """Criterion → (episodes, layers), of the episodes that the sweep measured."""
    sweep = study.sweep_config
    assert sweep is not None
    bank = measurable(study)[0].bank(study.config, split, queries=sweep.queries, seed=sweep.seed)
    model = study.model()
    rows = [asked(model, bank[index].support_x, bank[index].support_y) for index in range(episodes)]
    cost = np.array(study.layer_costs, dtype=float)
    plain = {name: np.array([row[name] for row in rows]) for name in ("norm", "fisher")}
    return plain | {f"{name} / cost": value / cost for name, value in plain.items()}


def asked(model: nn.Sequential, x: Tensor, y: Tensor) -> dict[str, list[float]]:
    """What one full gradient says of each layer."""
    layers = Backbone.of(model).layers
    with kept_outputs([layer.module for layer in layers]) as outputs:
        loss = F.cross_entropy(model(x), y)
        weights = [list(layer.module.parameters()) for layer in layers]
        flat = [each for of_layer in weights for each in of_layer]
        gradients = iter(torch.autograd.grad(loss, [*flat, *outputs]))
    of_weights = [[next(gradients) for _ in of_layer] for of_layer in weights]
    return {
        "norm": [_norm(gradient) / _norm(of_layer) for gradient, of_layer in zip(of_weights, weights, strict=True)],
        "fisher": [fisher(output, gradient) for output, gradient in zip(outputs, gradients, strict=True)],
    }


class kept_outputs:  # noqa: N801 (used as a statement)
    """Within: the outputs of these modules' last call, in order."""

    def __init__(self, modules: list[nn.Module]) -> None:
        self.modules, self.outputs = modules, []

    def __enter__(self) -> list[Tensor]:
        self.hooks = [
            module.register_forward_hook(lambda _module, _inputs, output: self.outputs.append(output))
            for module in self.modules
        ]
        return self.outputs

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()


def fisher(output: Tensor, gradient: Tensor) -> float:
    """Half the mean square over images of activation × gradient summed over places, summed over channels.

    output, gradient: (N, C, …); the gradient is of the mean loss, so N times it is an image's own.
    """
    n = len(output)
    each = (output * gradient * n).flatten(2).sum(2) if output.dim() > 2 else output * gradient * n
    return float((each.detach() ** 2).sum() / (2 * n))


def _norm(tensors: list[Any]) -> float:
    return float(torch.stack([each.detach().square().sum() for each in tensors]).sum().sqrt())


if __name__ == "__main__":
    main()
