"""Scale and shift alone, and a step size a layer, on real images: python -m benchmarks.finer [--episodes 300]

A model that ships, on the images of its training and on hand signs. Each of PATTERNS is swept at every count of steps
and several multiples of the study's step size, in a copy under .runs/finer (kept: a stopped run goes on). A pattern's
steps and step size are picked on validation classes; what is told was measured on test classes, paired with all layers
at their own pick. Then a step size of its own is looked for in each layer, as `lambda-core search --layer-lr` does, at
the steps of the study's reference, and judged on fresh episodes of both splits. Intervals are corrected for the rows of
a table.

Times are those of one thread; take them first, on a machine that does nothing else: python -m benchmarks.finer
--only-times. `python -m benchmarks.readme` puts the tables into docs/findings.md.
"""

from __future__ import annotations

from typing import Any

import click

from benchmarks.records import record
from benchmarks.step_sizes import ROOT, copy_of
from lambda_core.analysis import compare_study
from lambda_core.commands.progress_bar import progress_bar
from lambda_core.config import SearchConfig, SweepConfig, TimingConfig
from lambda_core.formatting import kilobytes, times, times_between, with_interval
from lambda_core.patterns import LambdaPattern, full_like
from lambda_core.selection import (
    Candidate,
    PairedDifference,
    SearchResult,
    SelectionSettings,
    candidate_index,
    episode_matrix,
    tune,
)
from lambda_core.studies import Study
from lambda_core.system import prepare
from lambda_core.workflows import live_runner, on_dataset, sweep_study, time_study

MODEL = "cifar-fs-5w5s-pretrained"
DATASETS = (None, "hand-signs")  # None: that of the training
PATTERNS = "00001,000n1,0nnn1,nnnn1,00011,01111"  # all layers are always among them
TUNED = ("00011", "nnnn1", "01111", "11111")
SWEEP = SweepConfig(episodes=300, patterns=PATTERNS, lr_scale="1,4")
SEARCH = SearchConfig(episodes=60, fresh=300, layer_lr="0.5,2,4")


@click.command()
@click.option("--episodes", default=SWEEP.episodes, show_default=True, help="Of validation and of test classes.")
@click.option("--only-times", is_flag=True, help="Time the patterns, and nothing else.")
def main(episodes: int, only_times: bool) -> None:
    prepare(threads=1)
    home = copy_of(Study.load(MODEL), ROOT / ".runs" / "finer" / MODEL)
    config = SWEEP.but(episodes=episodes)
    with progress_bar(as_json=False) as report:
        if only_times:
            time_study(home, TimingConfig(patterns=PATTERNS, repeats=9), report=report)
            return
        swept = (sweep_study(_on(home, dataset, config), config, report=report) for dataset in DATASETS)
        search = SEARCH.but(fresh=min(SEARCH.fresh, episodes))
        conditions = {"sweep": config.to_dict(), "search": search.to_dict()}
        found = ((f"{MODEL} on {study.dataset}", told(study, search)) for study in swept)
        record("finer.json", conditions, found)


def _on(home: Study, dataset: str | None, config: SweepConfig) -> Study:
    return home if dataset is None else on_dataset(home, dataset, queries=config.queries)


def told(study: Study, search: SearchConfig) -> dict[str, Any]:
    """Prints and returns the rows of both tables of a study."""
    found = {"patterns": picks(study), "step sizes": tuned(study, search)}
    click.echo(f"\n{study.name}")
    for row in (*found["patterns"], *found["step sizes"]):
        click.echo(f"  {row}")
    return found


def picks(study: Study) -> list[dict[str, Any]]:
    """Of each pattern the steps and step size that are best on validation classes, and what they give on test classes.

    gain: points over all layers at their pick. speed-up: over all layers at the study's own step size and the steps of
    its reference.
    """
    table = compare_study(study, SelectionSettings(any_lr=True)).candidates
    best = table.loc[table.groupby("pattern", observed=True)["accuracy"].idxmax()]
    best = best[best["steps"] > 0].sort_values("multiply_adds", kind="stable")
    candidates, matrix = episode_matrix(study.split("test"))
    picked = [Candidate(str(row["pattern"]), int(row["steps"]), float(row["lr"])) for _, row in best.iterrows()]
    test = matrix[[candidate_index(candidates, each) for each in picked]]
    full_pattern = full_like(picked[0].pattern)
    full = test[[each.pattern for each in picked].index(full_pattern)]
    gains = [PairedDifference.in_points(own, full).interval(0.95, len(test) - 1) for own in test]
    return [
        {
            "pattern": pick.pattern,
            "steps": pick.steps,
            "step size": round(pick.lr, 6),
            "test accuracy": 100 * float(own.mean()),
            "gain": None if pick.pattern == full_pattern else list(gain),
            "speed-up": [float(row[f"speed_up{end}"]) for end in ("", "_low", "_high")],
            "peak bytes": int(row["peak_bytes"]),
        }
        for pick, (_, row), own, gain in zip(picked, best.iterrows(), test, gains, strict=True)
    ]


def tuned(study: Study, config: SearchConfig) -> list[dict[str, Any]]:
    """A step size a layer for each of TUNED at the reference's steps, where the search saw one that was better.

    gain: points over the same pattern at the study's step size, on fresh episodes of each split.
    """
    assert study.layer_costs is not None
    runner = live_runner(study, "val", seed=config.seed)
    rows = []
    for text in TUNED:
        pattern = LambdaPattern.parse(text, len(study.layers))
        plain = Candidate(text, study.reference_steps, study.config.lr)
        seen = float(runner([plain], range(config.episodes)).mean())
        result = SearchResult(study.layer_costs, {tuple(pattern.rows_for(plain.steps)): seen})
        found = tune(result, runner, plain.lr, config)
        row: dict[str, Any] = {"pattern": text, "steps": plain.steps, "step sizes": None}
        for each in found:
            row |= {"step sizes": each.step_sizes(plain.lr)}
            row |= {split: _gain(study, split, plain, each.candidate(plain.lr), config) for split in ("val", "test")}
        rows.append(row)
    return rows


def _gain(study: Study, split: str, plain: Candidate, other: Candidate, config: SearchConfig) -> list[float]:
    fresh = live_runner(study, split, seed=config.seed + 1)
    before, after = fresh([plain, other], range(config.fresh))
    return list(PairedDifference.in_points(after, before).interval(0.95, len(TUNED)))


def in_markdown(found: dict[str, Any]) -> str:
    """Both tables of every study. found: what this command wrote."""
    images = found["studies"]
    patterns = [
        f"| {name.removeprefix(f'{MODEL} on ')} | `{row['pattern']}` | {row['steps']} × {row['step size']:g} | "
        f"{row['test accuracy']:.1f} | {'' if row['gain'] is None else with_interval(*row['gain'])} | "
        f"{times(row['speed-up'][0])} ({times_between(*row['speed-up'][1:])}) | {kilobytes(row['peak bytes'])} |"
        for name, tables in images.items()
        for row in tables["patterns"]
    ]
    sizes = [
        f"| {name.removeprefix(f'{MODEL} on ')} | `{row['pattern']}` × {row['steps']} | {_sizes(row)} | "
        f"{' | '.join(_gained(row, split) for split in ('val', 'test'))} |"
        for name, tables in images.items()
        for row in tables["step sizes"]
    ]
    return "\n".join(
        ["| images | pattern | steps × step size | test % | points over all layers | speed-up | most memory |",
         "| --- | --- | --- | ---: | --- | --- | ---: |", *patterns, "",
         "| images | pattern | step size of each layer | points gained, validation | test |",
         "| --- | --- | --- | --- | --- |", *sizes]
    )  # fmt: skip


def _sizes(row: dict[str, Any]) -> str:
    """One a layer, a dash for those that the pattern freezes."""
    if row["step sizes"] is None:
        return "none seen better"
    sizes = zip(row["pattern"], row["step sizes"].split(","), strict=True)
    return " · ".join("–" if digit == "0" else size for digit, size in sizes)


def _gained(row: dict[str, Any], split: str) -> str:
    return with_interval(*row[split]) if split in row else ""


if __name__ == "__main__":
    main()
