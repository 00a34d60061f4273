"""What the shipped studies say about layers and steps: python -m benchmarks.findings

Reads cached_results/, prints the tables of docs/findings.md and draws docs/layers.svg and docs/steps.svg. Everything
is measured on validation classes, at each study's own inner step size; intervals are 95 %, paired over episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from torch import nn

from benchmarks.drawing import pyplot
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import PairedDifference, same_step_size
from lambda_core.studies import Study, list_studies, studies_root

DOCS = Path(__file__).parent.parent / "docs"
COLUMNS = 3
BARS = {"frozen alone": "#4C5FB0", "updated alone": "#0F766E"}
COLOURS = {"all": "#4C5FB0", "head only": "#0F766E", "last two": "#9A6700", "all but the head": "#B3402A"}


def main() -> None:
    studies = at_home()
    layers = pd.concat([layer_table(study) for study in studies])
    steps = pd.concat([step_table(study) for study in studies])
    pd.set_option("display.width", 160, "display.max_columns", None)
    print("points lost against the full pattern, at the study's own step count\n")
    print(layers.pivot_table(index=["study", "what"], columns="layer", values="text", aggfunc="first", sort=False))
    print("\naccuracy (%) after each step\n")
    print(steps.pivot_table(index=["study", "pattern"], columns="steps", values="accuracy", sort=False).round(1))
    print("\ntraining\n")
    print(pd.concat([training_table(study) for study in studies]).round(1).to_string(index=False))
    print("\nhow far the head's rows start from their mean, and what the head alone loses\n")
    heads = head_table(studies, layers)
    print(heads.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    shares = heads["rows' own %"]
    print(f"Spearman's rank correlation with the points lost, {len(heads)} studies")
    for what, apart in (("share", shares), ("share × length", shares * heads["length"])):
        rank = spearmanr(apart, heads["points lost"])
        print(f"{what}: {rank.statistic:.2f} (p = {rank.pvalue:.2g})")
    draw_layers(layers)
    draw_steps(steps)


def at_home() -> list[Study]:
    """Studies of which every per-layer pattern was measured, on images like those of the training."""
    listed = list_studies(studies_root())[0]
    return [
        study
        for study in listed
        if study.accuracies is not None and study.has_all_patterns and study.metadata.domain is None
    ]


def layer_table(study: Study) -> pd.DataFrame:
    """Each layer frozen alone, and updated alone: points lost against the full pattern."""
    table = episodes_of(study, study.config.steps)
    full = LambdaPattern.named("maml", len(study.layers))
    rows = []
    for place, layer in enumerate(study.layers):
        alone = [number == place for number in range(len(study.layers))]
        for what, row in (("frozen alone", [not cell for cell in alone]), ("updated alone", alone)):
            pattern = LambdaPattern.from_matrix(np.array([row]))
            paired = PairedDifference.of(100 * (table[str(full)] - table[str(pattern)]).to_numpy()[None])
            lost, margin = float(paired.mean[0]), float(paired.half_width(0.95)[0])
            text = f"{lost:.1f} ± {margin:.1f}"
            rows.append((study.name, layer, what, lost, margin, text))
    return pd.DataFrame(rows, columns=["study", "layer", "what", "lost", "margin", "text"])


def step_table(study: Study) -> pd.DataFrame:
    """Mean accuracy in % after each step, of the patterns that tell most."""
    count = len(study.layers)
    texts = {
        "all": str(LambdaPattern.full(count)),
        "head only": "0" * (count - 1) + "1",
        "last two": "0" * (count - 2) + "11",
        "all but the head": "1" * (count - 1) + "0",
    }
    assert study.accuracy is not None
    rows = []
    for steps in range(1, int(study.accuracy["steps"].max()) + 1):
        table = episodes_of(study, steps)
        rows += [(study.name, name, steps, 100 * table[text].mean()) for name, text in texts.items()]
    return pd.DataFrame(rows, columns=["study", "pattern", "steps", "accuracy"])


def episodes_of(study: Study, steps: int) -> pd.DataFrame:
    """Validation accuracy at the study's own step size, an episode a row and a pattern a column."""
    table = study.accuracy
    assert table is not None
    own = same_step_size(table["lr"], study.config.lr)
    kept = table[(table["split"] == "val") & (table["steps"] == steps) & own]
    return kept.assign(pattern=kept["pattern"].astype(str)).pivot_table(
        index="episode", columns="pattern", values="accuracy"
    )


def training_table(study: Study) -> pd.DataFrame:
    """Where each pattern of the training schedule ended: seconds, best validation accuracy (%) and the mean training
    accuracy (%) under it; before them the classification, where there was one.
    """
    patterns, table = study.config.pattern.split("+"), study.training
    before = study.metadata.pretraining
    rows = [(study.name, "classification", 0, before.seconds, np.nan, 100 * before.accuracy)] if before else []
    for number, pattern in enumerate(patterns):
        first, end = (study.config.iterations * place / len(patterns) for place in (number, number + 1))
        here = table[(table["iteration"] > first) & (table["iteration"] <= end)]
        best, mean = 100 * here["val_accuracy"].max(), 100 * here["accuracy"].mean()
        rows.append((study.name, pattern, int(end), here["seconds"].iloc[-1], best, mean))
    return pd.DataFrame(rows, columns=["study", "pattern", "up to iteration", "seconds", "best val %", "training %"])


def head_table(studies: Sequence[Study], layers: pd.DataFrame) -> pd.DataFrame:
    """How far each study's head rows lie apart, beside rows that have nothing in common, their mean length, and the
    points that the head alone loses.
    """
    alone = layers[(layers["layer"] == "head") & (layers["what"] == "updated alone")].set_index("study")
    rows = []
    for study in studies:
        apart = 100 * np.sqrt(1 - 1 / study.config.ways)  # independent rows of one length, in high dimension
        spread, length = head_spread(study)
        rows.append((study.name, 100 * spread, apart, length, alone["lost"][study.name], alone["margin"][study.name]))
    columns = ["study", "rows' own %", "independent rows %", "length", "points lost", "±"]
    return pd.DataFrame(rows, columns=columns).sort_values("rows' own %", ignore_index=True)


def head_spread(study: Study) -> tuple[float, float]:
    """Mean length of the head's rows less their mean, as a share of their own mean length; and that length."""
    rows = next(module for module in study.model().modules() if isinstance(module, nn.Linear)).weight.detach()
    length = float(rows.norm(dim=1).mean())
    return float((rows - rows.mean(0)).norm(dim=1).mean()) / length, length


def draw_layers(table: pd.DataFrame) -> None:
    plt = pyplot(9)
    axes = _panels(plt, table["study"].unique(), 2.6)
    for study, axis in axes.items():
        for shift, (what, colour) in zip((-0.2, 0.2), BARS.items(), strict=True):
            here = table[(table["study"] == study) & (table["what"] == what)]
            places = np.arange(len(here)) + shift
            axis.bar(places, here["lost"], yerr=here["margin"], color=colour, width=0.36, label=what)
        axis.axhline(0, color="#1B2124", linewidth=0.8)
        axis.set_xticks(range(len(here)), here["layer"], fontsize=8)
    _finish(axes, "points lost", DOCS / "layers.svg")


def draw_steps(table: pd.DataFrame) -> None:
    plt = pyplot(9)
    axes = _panels(plt, table["study"].unique(), 2.8)
    for study, axis in axes.items():
        for (name, colour), marker in zip(COLOURS.items(), "os^D", strict=True):
            here = table[(table["study"] == study) & (table["pattern"] == name)]
            axis.plot(here["steps"], here["accuracy"], marker=marker, markersize=4, color=colour, label=name)
        axis.set_xlabel("inner steps")
    _finish(axes, "accuracy, %", DOCS / "steps.svg")


def _panels(plt: Any, studies: Sequence[str], height: float) -> dict[str, Any]:
    """A panel a study, in rows of COLUMNS."""
    rows = -(-len(studies) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(10, height * rows), squeeze=False, layout="constrained")
    for axis in grid.flat[len(studies) :]:
        figure.delaxes(axis)
    for study, axis in zip(studies, grid.flat, strict=False):
        axis.set_title(study, fontsize=9)
    return dict(zip(studies, grid.flat, strict=False))


def _finish(axes: dict[str, Any], measure: str, path: Path) -> None:
    first = next(iter(axes.values()))
    figure = first.figure
    figure.legend(*first.get_legend_handles_labels(), frameon=False, fontsize=9, ncols=4, loc="outside upper left")
    for axis in list(axes.values())[::COLUMNS]:
        axis.set_ylabel(measure)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
