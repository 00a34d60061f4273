"""What processes and machines gain: `python -m benchmarks.scaling` measures with 1, 2 and 4 processes and writes the
tables of docs/scaling.md; `--write` writes them from the last measurement.

Sweep: the shipped study of glyphs, five steps, through the code of `lambda-core sweep`; each process's rate from the
beginning of its first part to the end of its last one. Meta-training: second order, glyphs, 4-CONV, four tasks, under
torchrun; median of the iterations after the first two. The model (`benchmarks/scaling_model.py`) knows only what one
process takes, and the exchange between two; its prediction for 2 and 4 processes stands beside the measurement.

Where the machine has other work, `--by processor` counts each process's own processor time: what idle cores would give,
without what processes wait for each other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import psutil

from benchmarks.records import RESULTS
from benchmarks.scaling_model import Sweeping, Training, on_cores
from lambda_core.config import MetaTrainConfig, SweepConfig
from lambda_core.measurement import chunks_of, folder_of_chunks, table_of
from lambda_core.measurement.resumable_sweep import Worker
from lambda_core.measurement.sweep_chunks import Chunk
from lambda_core.studies import studies_roots
from lambda_core.system import cores, environment, spread, write_json

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, RESULT = ROOT / "docs" / "scaling.md", RESULTS / "scaling.json"
PROCESSES = (1, 2, 4)
STUDY, SWEEP = "glyphs-5w1s", SweepConfig(episodes=10_000, max_steps=5)
FAR = (0, 1_000, 9_990)  # first episodes of parts, for the cost of an episode whatever its number
CONFIG = MetaTrainConfig(dataset="glyphs", meta_batch=4)
ITERATIONS, WARM_UP = 10, 2


@click.command()
@click.option("--parts", default=3, show_default=True, help="Parts of ten episodes that a process sweeps.")
@click.option("--by", type=click.Choice(["clock", "processor"]), default="clock", show_default=True)
@click.option("--write", "only_write", is_flag=True, help="Measure nothing: write the tables of the last measurement.")
@click.option("--rank", hidden=True, is_flag=True)
def main(parts: int, by: str, only_write: bool, rank: bool) -> None:
    os.environ["SCALING_BY"] = by  # for the processes that are started
    if rank:
        train_as_rank()
        return
    if not only_write:
        write_json(RESULT, measured(parts) | {"by": by})
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(with_tables(text, found), encoding="utf-8")
    click.echo(tables(found))


def measured(parts: int) -> dict[str, Any]:
    sweeping = {str(count): sweep(count, parts * count) for count in PROCESSES}
    training = {str(count): torchrun(count) for count in PROCESSES}
    return {
        "environment": environment() | {"cores": cores()},
        "sweep": sweeping,
        "far": far(),
        "merge": merge_seconds(),
        "training": training,
    }


def now() -> float:
    """Seconds of the clock that was asked for."""
    return time.process_time() if os.environ["SCALING_BY"] == "processor" else time.monotonic()


# Sweeps


class TimedWorker:
    """Sweeps a part; tells its process, when it began and ended, and its memory in MB."""

    def __init__(self, *given: Any) -> None:
        self.worker = Worker(*given)

    def __call__(self, chunk: Chunk) -> tuple[int, float, float, float]:
        begin = now()
        self.worker(chunk)
        return os.getpid(), begin, now(), psutil.Process().memory_info().rss / 1e6


def sweep(processes: int, parts: int) -> dict[str, float]:
    """Episodes a second of all processes together, seconds until they work, and the largest memory of one."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(Path(scratch))
        chunks = chunks_of(folder_of_chunks(folder), SWEEP.episodes)[:parts]
        begun = now() if processes == 1 or os.environ["SCALING_BY"] == "clock" else 0.0
        done = [told for _, told in spread(TimedWorker, (str(folder), SWEEP, None), chunks, processes)]
    rates = []
    for process in {pid for pid, *_ in done}:
        own = [each for each in done if each[0] == process]
        rates.append(10 * len(own) / (max(each[2] for each in own) - min(each[1] for each in own)))
    start = min(each[1] for each in done) - begun  # of a process of its own, where there are several
    return {"rate": sum(rates), "start": start, "megabytes": max(each[3] for each in done)}


def far() -> dict[str, dict[str, float]]:
    """Seconds an episode and memory, for parts at the beginning and at the end of ten thousand episodes."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(Path(scratch))
        worker = TimedWorker(str(folder), SWEEP, None)
        chunks = {chunk.first: chunk for chunk in chunks_of(folder_of_chunks(folder), SWEEP.episodes)[:1000]}
        worker(chunks[10])
        for first in FAR:
            _, begin, end, megabytes = worker(chunks[first])
            found[str(first)] = {"seconds": (end - begin) / 10, "megabytes": megabytes}
    return found


def merge_seconds() -> float:
    """Of a part: read and joined."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(Path(scratch))
        chunks = chunks_of(folder_of_chunks(folder), SWEEP.episodes)[:60]
        TimedWorker(str(folder), SWEEP, None)(chunks[0])
        for chunk in chunks[1:]:
            chunk.write(chunks[0].read().assign(episode=lambda rows, by=chunk.first: rows["episode"] + by))
        begin = now()
        table_of(chunks)
        return (now() - begin) / len(chunks)


def copied(place: Path) -> Path:
    """A copy of the study, to sweep."""
    found = next(root / STUDY for root in studies_roots() if (root / STUDY).is_dir())
    return Path(shutil.copytree(found, place / STUDY, ignore=shutil.ignore_patterns("checkpoint")))


# Meta-training


def torchrun(processes: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "-m", "benchmarks.scaling", "--rank", "--by", os.environ["SCALING_BY"]],
        check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, timeout=300,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def train_as_rank() -> None:
    """One of torchrun's processes: the first prints what an iteration and its exchange take."""
    import torch
    from torch import distributed

    from lambda_core.episodes import Source
    from lambda_core.system import prepare
    from lambda_core.training import MetaTrainer, process_group
    from lambda_core.training.distributed import sum_over_processes

    prepare(threads=1)
    with process_group() as first:
        trainer = MetaTrainer(CONFIG, Source(CONFIG.dataset))
        own = Own(trainer.iterate)
        iteration = median_of(own, ITERATIONS)
        parameters = list(trainer.model.parameters())
        size = 4 * sum(parameter.numel() for parameter in parameters)
        reduce = 0.0
        if distributed.get_world_size() > 1:
            reduce = median_of(lambda: sum_over_processes(torch.zeros(2), parameters), ITERATIONS)
        gradient = median_of(trainer.meta_gradient, ITERATIONS)
        megabytes = psutil.Process().memory_info().rss / 1e6
        if first:
            found = {"iteration": iteration, "own": own.median, "gradient": gradient, "reduce": reduce, "size": size}
            click.echo(json.dumps(found | {"megabytes": megabytes}))


class Own:
    """Calls `work`, and keeps what of each call was this process's own processor time: the rest it waited."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work
        self.seconds: list[float] = []

    def __call__(self) -> None:
        begin = time.process_time()
        self.work()
        self.seconds.append(time.process_time() - begin)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds[WARM_UP:])


def median_of(work: Callable[[], object], times: int) -> float:
    for _ in range(WARM_UP):
        work()
    seconds = []
    for _ in range(times):
        begin = now()
        work()
        seconds.append(now() - begin)
    return statistics.median(seconds)


# Tables

CLOCKS = {"clock": "the clock", "processor": "each process's processor time (the machine had other work)"}


def models(found: dict[str, Any]) -> tuple[Sweeping, Training]:
    """The model, from what one process took."""
    alone, one = found["sweep"]["1"], found["training"]["1"]
    task = one["gradient"] / CONFIG.meta_batch
    return (
        Sweeping(found["sweep"]["2"]["start"], 10 / alone["rate"], found["merge"]),
        Training(task, max(0.0, one["iteration"] - one["gradient"]), one["size"]),
    )


def achieved(found: dict[str, Any], processes: int) -> tuple[float, float]:
    """(episodes a second, seconds an iteration) measured; processor times of more processes than cores take turns."""
    crowd = processes / on_cores(processes, found["environment"]["cores"]) if found["by"] == "processor" else 1.0
    key = str(processes)
    return found["sweep"][key]["rate"] / crowd, found["training"][key]["iteration"] * crowd


def predicted(found: dict[str, Any], processes: int) -> tuple[float, float]:
    """(episodes a second, seconds an iteration) of so many processes on the cores that there were."""
    _, training = models(found)
    count = on_cores(processes, found["environment"]["cores"])
    reduce = found["training"]["2"]["reduce"]
    return found["sweep"]["1"]["rate"] * count, training.iteration(CONFIG.meta_batch, count, reduce)


def tables(found: dict[str, Any]) -> str:
    sweeping, training = models(found)
    about = found["environment"]
    rows = [_measured_row(found, count) for count in PROCESSES]
    flat = [f"{each['seconds']:.3f}" for each in found["far"].values()]
    parts = [
        f"Measured on {about['processor']}, {about['cores']} cores, torch {about['torch']}, by {CLOCKS[found['by']]}:",
        _table(
            ["processes", "sweep, episodes/s", "efficiency", "predicted", "MB each",
             "training, s/iteration", "speed-up", "predicted", "MB each"], rows,
        ),
        f"An episode of a sweep takes {', '.join(flat)} s at the numbers {', '.join(f'{each:,}' for each in FAR)}.",
        *_where_it_goes(found["training"]),
        "Speed-up of a sweep (adaptations: 155 candidates an episode), by workers of a core each:",
        _table(["adaptations", *map(str, WORKERS)], [
            [f"{count:,}", *(f"{sweeping.speed_up(max(1, count // 155), workers):,.0f}" for workers in WORKERS)]
            for count in ADAPTATIONS
        ]),
        "Speed-up of meta-training, by workers of a core each, over 25 Gb/s and 30 µs a message (assumed):",
        _table(["meta-batch", *map(str, WORKERS)], [
            [str(batch), *(f"{training.speed_up(batch, workers):.1f}" for workers in WORKERS)]
            for batch in META_BATCHES
        ]),
    ]  # fmt: skip
    return "\n\n".join(parts)


WORKERS = (8, 16, 64, 256, 1024)
ADAPTATIONS = (10**4, 10**5, 10**6, 10**7)
META_BATCHES = (4, 16, 64, 256)


def _measured_row(found: dict[str, Any], count: int) -> list[str]:
    (rate, iteration), (alone, one) = achieved(found, count), achieved(found, 1)
    rate_said, iteration_said = predicted(found, count)
    share = rate / alone / on_cores(count, found["environment"]["cores"])
    memory = [f"{found[kind][str(count)]['megabytes']:.0f}" for kind in ("sweep", "training")]
    swept = [f"{rate:.2f}", f"{share:.0%}", f"{rate_said:.2f}", memory[0]]
    return [str(count), *swept, f"{iteration:.3f}", f"{one / iteration:.2f}×", f"{iteration_said:.3f}", memory[1]]


def _where_it_goes(training: dict[str, Any]) -> list[str]:
    """A paragraph; none of an older measurement, which does not tell."""
    one, two = training["1"], training["2"]
    if "own" not in two:
        return []
    exchange = min(two["reduce"], two["iteration"] - two["own"])
    waiting = max(0.0, two["iteration"] - two["own"] - exchange)
    return [
        f"Where an iteration of two processes goes: {two['own']:.3f} s are each one's own work (half of what one alone "
        f"does is {one['own'] / 2:.3f}), {exchange:.3f} s the exchange, and {waiting:.3f} s waiting for the other one "
        "or for a core."
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_tables(text: str, found: dict[str, Any]) -> str:
    """The document with the tables of a measurement between its marks."""
    new = f"<!-- scaling -->\n{tables(found)}\n<!-- end -->"
    return re.sub(r"<!-- scaling -->.*?<!-- end -->", lambda _: new, text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
