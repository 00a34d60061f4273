"""How Explore bears a study of 1,023 patterns × 10 steps × 600 episodes: `python -m benchmarks.explore_at_scale`.

Nothing is trained: the study is drawn (`tests/support/large_study.py`). The page runs as a visitor's server runs it,
without a browser, in a process of its own: the time until it is there, the processor's time beside it, and the largest
memory. Then a threshold that was not asked for before, and the tab After one step.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import psutil

from benchmarks.records import RESULTS
from lambda_core.system import processor, write_json

ROOT = Path(__file__).resolve().parents[1]
GOALS = {"opened": 5.0, "threshold": 0.3, "one_step": 1.0}  # seconds
MEGABYTES = 500


@click.command()
@click.option("--layers", default=10, show_default=True)
@click.option("--steps", default=10, show_default=True)
@click.option("--episodes", default=600, show_default=True)
@click.option("--root", hidden=True, type=click.Path(path_type=Path), help="The page's process: where the study lies.")
def main(layers: int, steps: int, episodes: int, root: Path | None) -> None:
    if root is not None:
        click.echo(json.dumps(visit()))
        return
    with tempfile.TemporaryDirectory() as scratch:
        from tests.support.large_study import write_large_study

        folder = write_large_study(Path(scratch), layers, steps, episodes)
        megabytes = (folder / "accuracy.parquet").stat().st_size / 1e6
        command = [sys.executable, "-m", "benchmarks.explore_at_scale", "--root", scratch]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"LAMBDA_STUDIES": scratch}
        )
    found = json.loads(done.stdout.splitlines()[-1])
    study = {"patterns": 2**layers - 1, "steps": steps, "episodes": episodes, "file_megabytes": round(megabytes, 1)}
    write_json(RESULTS / "explore-at-scale.json", {"processor": processor(), "study": study, **found})
    for name, goal in GOALS.items():
        seconds, cpu = found[name]
        click.echo(f"{name:10} {seconds:6.2f} s, of the processor {cpu:6.2f} s (goal {goal:g} s)")
    click.echo(f"{'memory':10} {found['megabytes']:4.0f} MB at most (goal {MEGABYTES} MB)")


def visit() -> dict[str, object]:
    """(seconds, processor seconds) of each thing that a visitor does, and the largest memory, MB."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app" / "script.py"), default_timeout=120)
    found: dict[str, object] = {"opened": timed(lambda: app.run().switch_page("explore/page.py").run())}
    app.slider(key="threshold-control").set_value(1.7)
    found["threshold"] = timed(app.run)
    app.query_params["tab"] = "first"
    found["one_step"] = timed(app.run)
    assert not app.exception, app.exception[0].stack_trace
    return found | {"megabytes": most_memory()}


def most_memory() -> float:
    """Of this process, MB. Not `ru_maxrss`: that of the process that started it is inherited, and here the larger."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def timed(work: Callable[[], object]) -> tuple[float, float]:
    start, cpu = time.perf_counter(), sum(psutil.Process().cpu_times()[:2])
    work()
    return round(time.perf_counter() - start, 3), round(sum(psutil.Process().cpu_times()[:2]) - cpu, 3)


if __name__ == "__main__":
    main()
