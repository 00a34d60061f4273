"""Accuracy of every pattern at every step count over one bank of episodes, sharing work between patterns.

Shared within an episode: the first step's gradients (every pattern starts from the same weights), the support and query
activations below a pattern's lowest layer, and the adaptation itself (s + 1 steps continue s steps). The episodes are
split into chunks; each finished chunk is a file, so a sweep can be stopped anywhere and resumed.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from lambda_core.config import SweepConfig
from lambda_core.episode import Bank, Episode, Source
from lambda_core.errors import StudyError
from lambda_core.files import write_json
from lambda_core.inner_loop import InnerLoop
from lambda_core.model import Backbone
from lambda_core.pattern import LambdaPattern
from lambda_core.progress import Meter, Report
from lambda_core.runtime import end_with_parent, prepare
from lambda_core.statistics import Queries
from lambda_core.study import Study
from lambda_core.tables import read_table, write_table

CHUNK = 10  # episodes a file: less than a minute of work is lost when a sweep is killed
SWEPT_SPLITS = ("val", "test")
Scores = NDArray[np.float32]


def sweep(
    model: nn.Sequential,
    bank: Bank,
    episodes: Sequence[int],
    patterns: Sequence[LambdaPattern],
    max_steps: int,
    lr: float,
    split: str = "val",
    meter: Meter | None = None,
    scales: Sequence[float] = (1.0,),
    query_statistics: str = "transductive",
) -> pd.DataFrame:
    """The accuracy table (split, pattern, steps, lr, episode, accuracy, loss) of one-row `patterns` at 0 … max_steps.

    No adaptation is one row an episode, pattern 00000 at 0 steps and `lr`. scales: multiples of `lr` to measure.
    """
    backbone = Backbone.of(model)
    arms = [(pattern, scale) for scale in scales for pattern in patterns if pattern.updates_anything]
    none = LambdaPattern.named("none", len(backbone.layers))
    places = [(none, 0, lr), *((p, steps, lr * scale) for p, scale in arms for steps in range(1, max_steps + 1))]
    frames = []
    for index in episodes:
        shared = SharedEpisode(backbone, bank[index], lr, query_statistics)
        scores = [shared.unadapted(), *(shared.trajectory(pattern, max_steps, scale) for pattern, scale in arms)]
        frames.append(_frame(places, np.concatenate(scores), index, split))
        if meter:
            meter.advance()
    return pd.concat(frames, ignore_index=True)


class SharedEpisode:
    """One episode on which many patterns are run, with what they share computed once."""

    def __init__(self, backbone: Backbone, episode: Episode, lr: float, query_statistics: str = "transductive") -> None:
        self.backbone, self.episode = backbone, episode
        self.loop = InnerLoop(backbone, backbone.start(), episode.support_x, episode.support_y, lr)
        self.layers = len(backbone.layers)
        self.loop.input_of(self.layers - 1)
        _, self.first_gradients = self.loop.fork().gradients((True,) * self.layers)
        self.queries = Queries(backbone, self.loop.weights, episode, query_statistics)

    def unadapted(self) -> Scores:
        """(1, 2): query accuracy and loss without adaptation."""
        return self._score(self.loop, self.layers - 1)[None]

    def trajectory(self, pattern: LambdaPattern, steps: int, scale: float = 1.0) -> Scores:
        """(steps, 2) float32: query accuracy (0 to 1) and loss after 1 … steps inner steps under `pattern`.

        scale: multiple of the step size. The first step's gradients serve every step size.
        """
        matrix = pattern.matrix(steps)
        lowest = int(matrix.any(0).argmax()) if matrix.any() else self.layers - 1
        loop = self.loop.fork()
        loop.lr *= scale
        scores = []
        for number, row in enumerate(pattern.rows_for(steps)):
            if number == 0:
                loop.update({layer: self.first_gradients[layer] for layer, updated in enumerate(row) if updated})
            else:
                loop.step(row)
            scores.append(self._score(loop, lowest))
        return np.stack(scores)

    def _score(self, loop: InnerLoop, lowest: int) -> Scores:
        with torch.inference_mode():
            output = self.queries.logits(loop.weights, lowest)
            hits = (output.argmax(1) == self.episode.query_y).float().mean()
            loss = F.cross_entropy(output, self.episode.query_y)
        return np.array([float(hits), float(loss)], dtype=np.float32)


def _frame(places: list[tuple[LambdaPattern, int, float]], scores: Scores, episode: int, split: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": split,
            "pattern": [str(pattern) for pattern, *_ in places],
            "steps": np.array([steps for _, steps, _ in places], dtype=np.int16),
            "lr": np.array([lr for *_, lr in places], dtype=np.float32),
            "episode": np.int32(episode),
            "accuracy": scores[:, 0],
            "loss": scores[:, 1],
        }
    )


@dataclass(frozen=True)
class Chunk:
    """A few episodes of one split, and the folder of their file."""

    folder: Path
    split: str
    first: int
    count: int

    @property
    def place(self) -> Path:
        short = "" if self.count == CHUNK else f"-{self.count}"  # a longer sweep makes it anew
        return self.folder / f"{self.split}-{self.first:06d}{short}"

    @property
    def is_there(self) -> bool:
        return (self.place / "accuracy.parquet").exists()

    def write(self, frame: pd.DataFrame) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        write_table(self.place, "accuracy", frame)


def sweep_in_chunks(
    study_folder: Path,
    config: SweepConfig,
    fingerprint: str,
    *,
    root: str | None = None,
    processes: int = 1,
    report: Report | None = None,
) -> pd.DataFrame:
    """Every per-layer pattern on both splits' banks, chunk by chunk, in `processes` processes of one thread each.

    Finished chunks lie in <study>/checkpoint/sweep and are not made again, not for more episodes either; `fingerprint`
    names the weights and data they were made with, and chunks of others are refused.
    """
    folder = study_folder / "checkpoint" / "sweep"
    _claim(folder, {"config": _asked(config), "fingerprint": fingerprint})
    chunks = _chunks(folder, config.episodes)
    missing = [chunk for chunk in chunks if not chunk.is_there]
    done = sum(chunk.count for chunk in chunks) - sum(chunk.count for chunk in missing)
    meter = Meter("sweep, episodes", len(SWEPT_SPLITS) * config.episodes, report, done=done)
    for chunk in _run(missing, (str(study_folder), config, root), processes):
        meter.advance(chunk.count)
    return pd.concat([read_table(chunk.place, "accuracy") for chunk in chunks], ignore_index=True)


def unpack(study: Study, config: SweepConfig, fingerprint: str) -> None:
    """Turn the table of a study that was swept under the same settings back into chunks, which are then not made again:
    a study that came without its checkpoint can be swept for longer.
    """
    swept = study.sweep_config
    if study.accuracy is None or swept is None or _asked(swept) != _asked(config):
        return
    folder = study.folder / "checkpoint" / "sweep"
    _claim(folder, {"config": _asked(config), "fingerprint": fingerprint})
    for chunk in _chunks(folder, swept.episodes):
        if not chunk.is_there:
            rows = study.accuracy[study.accuracy["split"] == chunk.split]
            chunk.write(rows[rows["episode"].between(chunk.first, chunk.first + chunk.count - 1)])


def _chunks(folder: Path, episodes: int) -> list[Chunk]:
    return [
        Chunk(folder, split, first, min(CHUNK, episodes - first))
        for split in SWEPT_SPLITS
        for first in range(0, episodes, CHUNK)
    ]


def _run(chunks: list[Chunk], work: tuple[str, SweepConfig, str | None], processes: int) -> Iterator[Chunk]:
    if processes == 1:
        worker = Worker(*work)
        yield from map(worker, chunks)
        return
    context = multiprocessing.get_context("spawn")  # fork would carry torch's threads into a child without them
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=work) as pool:
        futures: dict[Future[Any], Chunk] = {pool.submit(_work, chunk): chunk for chunk in chunks}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class Worker:
    """A process's model and banks; called with a chunk, it writes the chunk's file."""

    def __init__(self, study_folder: str, config: SweepConfig, root: str | None) -> None:
        prepare(threads=1)
        study = Study.load(Path(study_folder))
        source = Source(study.config.dataset, root)
        self.model, self.lr, self.config = study.model(), study.config.lr, config
        self.banks = {
            split: source.bank(study.config, split, queries=config.queries, seed=config.seed) for split in SWEPT_SPLITS
        }
        self.patterns = LambdaPattern.enumerate(len(study.layers))

    def __call__(self, chunk: Chunk) -> Chunk:
        episodes = range(chunk.first, chunk.first + chunk.count)
        bank, config = self.banks[chunk.split], self.config
        frame = sweep(
            self.model,
            bank,
            episodes,
            self.patterns,
            config.max_steps,
            self.lr,
            chunk.split,
            scales=config.scales,
            query_statistics=config.query_statistics,
        )
        chunk.write(frame)
        return chunk


_worker: Worker | None = None


def _start(study_folder: str, config: SweepConfig, root: str | None) -> None:
    global _worker  # noqa: PLW0603 (a pool's initializer has no other place to leave what it made)
    end_with_parent()
    _worker = Worker(study_folder, config, root)


def _work(chunk: Chunk) -> Chunk:
    assert _worker is not None
    return _worker(chunk)


def _asked(config: SweepConfig) -> dict[str, Any]:
    """What decides a part's content: not how many parts there are, so that a sweep can be made longer."""
    return {name: value for name, value in config.to_dict().items() if name != "episodes"}


def _claim(folder: Path, identity: dict[str, Any]) -> None:
    path = folder / "sweep.json"
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != identity:
        raise StudyError(
            f"{folder} holds parts of another sweep (other settings, weights or data); remove it to start anew"
        )
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, identity)
