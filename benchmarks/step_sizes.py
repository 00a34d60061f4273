"""What the inner step size adds: every pattern at several step sizes. python -m benchmarks.step_sizes

Each shipped image study whose data is at hand is swept anew, at multiples of its own step size, in a copy under
.runs/step-sizes (kept: a stopped run goes on). Patterns and step sizes are picked on validation classes, what is
printed was measured on test classes: points above the full pattern after one step, paired, with 95 % intervals; and
with --steps at or above a study's own, the fastest candidate within a point of its full pattern, at its own step size
and at any, the correction counting every candidate.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from benchmarks.records import record
from lambda_core.analysis import choose, compare_study
from lambda_core.config import SweepConfig
from lambda_core.selection import PatternGain, SelectionSettings, best_gain_at, same_step_size, sentence
from lambda_core.studies import Study, list_studies, studies_root
from lambda_core.system import prepare
from lambda_core.workflows import sweep_study

THRESHOLD = 1.0
ROOT = Path(__file__).parent.parent
COPIES = ROOT / ".runs" / "step-sizes"
KEPT = ("study.json", "weights.safetensors", "training.parquet", "timing.parquet")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--scales", default="0.5,1,2,4,8", show_default=True, help="Multiples of each study's own step size.")
@click.option("--episodes", default=300, show_default=True, help="A split.")
@click.option("--steps", default=1, show_default=True, help="Largest step count.")
@click.option("--processes", default=1, show_default=True)
def main(names: tuple[str, ...], scales: str, episodes: int, steps: int, processes: int) -> None:
    prepare(threads=1)
    config = SweepConfig(episodes=episodes, max_steps=steps, lr_scale=scales)
    measured = (study for study in list_studies(studies_root())[0] if study.measured)
    asked = (study for study in measured if not names or study.name in names)
    copies = ((study.name, copy_of(study, COPIES / f"{study.name}-{steps}")) for study in asked)
    swept = ((name, told(sweep_study(copy, config, processes=processes), config)) for name, copy in copies)
    name = "step-sizes.json" if steps == 1 else f"step-sizes-{steps}.json"
    record(name, {"sweep": config.to_dict()}, swept)


def copy_of(study: Study, folder: Path) -> Study:
    """The study's training and times alone in another folder, to be swept under other settings."""
    if not (folder / "study.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copy(study.folder / name, folder / name)
    return Study.load(folder)


def told(study: Study, config: SweepConfig) -> dict[str, Any]:
    """Prints and returns the best pattern beside the full one at each step size, and the best of all."""
    val, test = study.split("val"), study.split("test")
    own = study.config.lr
    click.echo(f"\n{study.name}: after one step, on test classes; own step size {own:g}")
    rows = {f"{scale:g} × {own:g}": best_gain_at(val, test, lr=own * scale) for scale in config.scales}
    rows["any, against full at its own"] = best_gain_at(val, test, any_lr=True, lr=own)
    for name, row in rows.items():
        click.echo(f"  {name:<30}{_line(row)}")
    one = {name: row.as_dict() for name, row in rows.items()}
    return {
        "after one step": one,
        "within a point": choices(study) if config.max_steps >= study.config.steps else None,
    }


def choices(study: Study) -> dict[str, Any]:
    """The fastest within a point of the full pattern's own step size and count: at that step size, and at any."""
    found = {}
    for name, any_lr in (("own", False), ("any", True)):
        settings = SelectionSettings(THRESHOLD, any_lr=any_lr)
        choice, confirmation = choose(study, settings)
        candidates = compare_study(study, settings).candidates
        front = candidates[candidates["on_front"]]
        others = int((~same_step_size(front["lr"], study.config.lr)).sum())
        click.echo(
            f"  {name} step size: {sentence(choice, confirmation, study.layers)} Step size {choice.lr:g}; of the "
            f"{len(front)} candidates on the front {others} have another than the study's own."
        )
        found[name] = {
            "choice": choice.as_dict(),
            "test": confirmation.as_dict(),
            "front": len(front),
            "front, others": others,
        }
    return found


def _line(row: PatternGain) -> str:
    gain = f"{row.gain.estimate:+.1f} ({row.gain.low:+.1f} … {row.gain.high:+.1f})"
    shown = "shown better" if row.better else "not shown better"
    return f"full {row.full_accuracy:.1%}, {row.pattern} at {row.lr:g}: {row.accuracy:.1%}, {gain} points, {shown}"


if __name__ == "__main__":
    main()
