"""A sweep's episode by the compiled loop and by the loop that serves any model: python -m benchmarks.sweep_episode

4-CONV, 32 filters, 5-way, 1 and 5 shots, 32×32, 75 queries: every pattern at 0 to 10 steps with its queries scored, as
`lambda-core sweep` does it, by what it takes for this network and by what it takes for others, which was what it took
for all before there was a compiled loop. Random pictures; one thread. The losses of both agree, in the median over the
candidates to TOLERANCE, before anything is said. Prints processor time a round, in turns, and its ratio; writes
benchmarks/results/sweep-episode.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.adaptation import episode, last, models
from benchmarks.records import RESULTS
from lambda_core.backbones import Backbone
from lambda_core.episodes import Episode
from lambda_core.measurement import CompiledEpisode, SharedEpisode, episode_for_many
from lambda_core.patterns import LambdaPattern
from lambda_core.system import environment, prepare, write_json

STEPS, LR, QUERIES = 10, 0.01, 75
TOLERANCE = 1e-5
PATTERNS = [pattern for pattern in LambdaPattern.enumerate(5) if pattern.updates_anything]

Way = Callable[[Backbone, Episode], SharedEpisode | CompiledEpisode]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    prepare(threads=1)
    record: dict[str, Any] = {"date": date.today().isoformat(), "environment": environment(), "rounds": options.rounds}
    record["rows"] = [measure(shots, options.rounds) for shots in (1, 5)]
    write_json(RESULTS / "sweep-episode.json", record)
    for row in record["rows"]:
        print(f"{row['shots']} shots: {row['before']:.2f} s before, {row['ours']:.2f} s now, {row['ratio']:.2f} times")


def measure(shots: int, rounds: int) -> dict[str, Any]:
    """Median seconds of processor time of both, and how many times faster ours is."""
    backbone = Backbone.of(models()[0])
    ways: dict[str, Way] = {"before": lambda *given: SharedEpisode(*given, LR), "ours": _ours}
    first = {name: scores(way, backbone, drawn(-1, shots))[:, 1] for name, way in ways.items()}
    differences = (first["ours"] - first["before"]).abs() / first["before"]
    assert float(differences.median()) < TOLERANCE, "the losses differ"
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        task = drawn(number, shots)
        for name in sorted(ways, reverse=number % 2 == 0):
            start = time.process_time()
            scores(ways[name], backbone, task)
            times[name].append(time.process_time() - start)
    medians = {name: float(np.median(each)) for name, each in times.items()}
    return {"shots": shots, **medians, "ratio": float(np.median(np.divide(times["before"], times["ours"])))}


def scores(way: Way, backbone: Backbone, task: Episode) -> Tensor:
    """(candidates, 2): accuracy and loss of every pattern after 0, 1, … steps."""
    shared = way(backbone, task)
    return torch.cat([shared.unadapted(), *(shared.trajectory(pattern, STEPS) for pattern in PATTERNS)])


def drawn(number: int, shots: int) -> Episode:
    support_x, support_y = episode(2 * number + 10, 5 * shots)
    query_x, query_y = episode(2 * number + 11, QUERIES)
    return Episode(last(support_x), support_y, last(query_x), query_y)


def _ours(backbone: Backbone, task: Episode) -> CompiledEpisode:
    found = episode_for_many(backbone, task, LR, "transductive")
    assert isinstance(found, CompiledEpisode)
    return found


if __name__ == "__main__":
    main()
