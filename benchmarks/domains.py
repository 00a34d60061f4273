"""Shipped models on other images than they were trained on: python -m benchmarks.domains [--episodes 200]

Sweeps every pair of PAIRS that is not measured yet (resumable), as `lambda-core sweep STUDY --dataset NAME` does, and
prints what changes: the choice made at home and the one made there (`analysis.domains_table`). The data sets must be at
hand; `benchmarks.readme` puts the same table into docs/findings.md.
"""

from __future__ import annotations

import click

from lambda_core.analysis import domains_table
from lambda_core.commands.progress_bar import progress_bar
from lambda_core.config import SweepConfig
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import prepare
from lambda_core.workflows import on_dataset, sweep_study

PAIRS = [
    *(("cifar-fs-5w5s-pretrained", dataset) for dataset in ("hand-signs", "mnist", "glyphs", "omniglot", "fc100")),
    *(("cifar-fs-5w1s-pretrained", dataset) for dataset in ("hand-signs", "mnist", "glyphs", "omniglot")),
]


@click.command()
@click.option("--episodes", default=200, show_default=True, help="Of validation and of test classes.")
@click.option("--patterns", default="tails", show_default=True, help="As of `lambda-core sweep`.")
@click.option("--processes", default=1, show_default=True)
def main(episodes: int, patterns: str, processes: int) -> None:
    prepare(threads=1)
    config = SweepConfig(episodes=episodes, patterns=patterns)
    for name, dataset in PAIRS:
        measure(name, dataset, config, processes)
    click.echo(domains_table(list_studies(studies_root())[0]))


def measure(name: str, dataset: str, config: SweepConfig, processes: int) -> None:
    """Sweep a study on a data set, unless it is measured there under these settings, on as many episodes or more."""
    study = on_dataset(Study.load(name), dataset, queries=config.queries)
    known = study.sweep_config
    if known is not None and known.episodes >= config.episodes and known == config.but(episodes=known.episodes):
        return
    words = f"--episodes {config.episodes} --patterns {config.patterns}"
    command = f"lambda-core sweep {name} --dataset {dataset} {words}"
    with progress_bar(as_json=False) as report:
        sweep_study(study, config, processes=processes, command=command, report=report)


if __name__ == "__main__":
    main()
