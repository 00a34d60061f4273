"""What the inner step size adds: every pattern at several step sizes, after one step. python -m benchmarks.step_sizes

Each shipped image study whose data is at hand is swept anew, at multiples of its own step size, in a copy under
.runs/step-sizes (kept: a stopped run goes on). Patterns and step sizes are picked on validation classes, what is
printed was measured on test classes: points above the full pattern, paired, with 95 % intervals.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from lambda_core.config import SweepConfig
from lambda_core.files import write_json
from lambda_core.gains import OneStep, one_step
from lambda_core.runs import sweep_study
from lambda_core.runtime import environment, prepare
from lambda_core.study import Study, list_studies, studies_root

ROOT = Path(__file__).parent.parent
COPIES, RESULTS = ROOT / ".runs" / "step-sizes", ROOT / "benchmarks" / "results" / "step-sizes.json"
KEPT = ("study.json", "weights.safetensors", "training.parquet")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--scales", default="0.5,1,2,4,8", show_default=True, help="Multiples of each study's own step size.")
@click.option("--episodes", default=300, show_default=True, help="A split.")
@click.option("--processes", default=1, show_default=True)
def main(names: tuple[str, ...], scales: str, episodes: int, processes: int) -> None:
    prepare(threads=1)
    config = SweepConfig(episodes=episodes, max_steps=1, lr_scale=scales)
    results = {}
    for study in list_studies(studies_root())[0]:
        if study.accuracy is None or (names and study.name not in names):
            continue
        swept = copy_of(study)
        sweep_study(swept, config, processes=processes)
        results[study.name] = told(Study.load(swept.folder), config)
    write_json(RESULTS, {"environment": environment(), "sweep": config.to_dict(), "studies": results})
    click.echo(f"written to {RESULTS}")


def copy_of(study: Study) -> Study:
    """The study's training alone, to be swept under other settings."""
    folder = COPIES / study.name
    if not (folder / "study.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copy(study.folder / name, folder / name)
    return Study.load(folder)


def told(study: Study, config: SweepConfig) -> dict[str, Any]:
    """Prints and returns the best pattern beside the full one at each step size, and the best of all."""
    assert study.accuracy is not None
    val, test = (study.accuracy[study.accuracy["split"] == split] for split in ("val", "test"))
    own = study.config.lr
    click.echo(f"\n{study.name}: after one step, on test classes; own step size {own:g}")
    rows = {f"{scale:g} × {own:g}": one_step(val, test, lr=own * scale) for scale in config.scales}
    rows["any, against full at its own"] = one_step(val, test, any_lr=True, lr=own)
    for name, row in rows.items():
        click.echo(f"  {name:<30}{_line(row)}")
    return {name: vars(row) for name, row in rows.items()}


def _line(row: OneStep) -> str:
    gain = f"{row.gain:+.1f} ({row.gain_low:+.1f} … {row.gain_high:+.1f})"
    shown = "shown better" if row.better else "not shown better"
    return f"full {row.full_accuracy:.1%}, {row.pattern} at {row.lr:g}: {row.accuracy:.1%}, {gain} points, {shown}"


if __name__ == "__main__":
    main()
