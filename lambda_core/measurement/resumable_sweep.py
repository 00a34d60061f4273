"""Accuracy of every pattern at every step count over one bank of episodes, sharing work between patterns.

Shared within an episode: the first step's gradients (every pattern starts from the same weights), the support and query
activations below a pattern's lowest layer, and the adaptation itself (s + 1 steps continue s steps). The episodes are
split into chunks; each finished chunk is a file, so a sweep can be stopped anywhere and resumed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lambda_core.config import SweepConfig
from lambda_core.errors import LostWorkerError, StudyError
from lambda_core.measurement.accuracy import sweep
from lambda_core.measurement.study_images import study_source
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study, read_table, write_table
from lambda_core.system import Meter, Report, first_line, prepare, worker_pool, write_json

CHUNK = 10  # episodes a file: less than a minute of work is lost when a sweep is killed


SWEPT_SPLITS = ("val", "test")


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
        """It was made, and is sound: a damaged one is made again."""
        try:
            return self.place.exists() and len(read_table(self.place, "accuracy")) > 0
        except StudyError:
            return False

    def write(self, frame: pd.DataFrame) -> None:
        write_table(self.place, "accuracy", frame)


def sweep_in_chunks(
    study_folder: Path,
    config: SweepConfig,
    fingerprint: str,
    *,
    root: str | None = None,
    processes: int = 1,
    report: Report | None = None,
    code: str = "",
) -> pd.DataFrame:
    """Every per-layer pattern on both splits' banks, chunk by chunk, in `processes` processes of one thread each.

    Finished chunks lie in <study>/checkpoint/sweep and are not made again, not for more episodes either; `fingerprint`
    names the weights and data they were made with, and chunks of others are refused. code: `Study.code`.
    """
    folder = study_folder / "checkpoint" / "sweep"
    _claim(folder, {"config": _asked(config), "fingerprint": fingerprint})
    chunks = _chunks(folder, config.episodes)
    missing = [chunk for chunk in chunks if not chunk.is_there]
    done = sum(chunk.count for chunk in chunks) - sum(chunk.count for chunk in missing)
    meter = Meter("sweep, episodes", len(SWEPT_SPLITS) * config.episodes, report, done=done)
    for chunk in _run(missing, (str(study_folder), config, root, code), processes):
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


def _run(chunks: list[Chunk], work: tuple[str, SweepConfig, str | None, str], processes: int) -> Iterator[Chunk]:
    if processes == 1:
        worker = Worker(*work)
        yield from map(worker, chunks)
        return
    with worker_pool(processes, _make_worker, *work) as pool:
        futures: dict[Future[Any], Chunk] = {pool.submit(_work, chunk): chunk for chunk in chunks}
        try:
            for future in as_completed(futures):
                _finished(future)
                yield futures[future]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _finished(future: Future[Any]) -> None:
    try:
        future.result()
    except BrokenProcessPool:
        raise LostWorkerError(
            "a process of the sweep was lost (killed, or out of memory); finished parts are kept: run the same command "
            "again, with fewer processes if memory is short"
        ) from None


class Worker:
    """A process's model and banks; called with a chunk, it writes the chunk's file."""

    def __init__(self, study_folder: str, config: SweepConfig, root: str | None, code: str) -> None:
        prepare(threads=1)
        study = Study.load(Path(study_folder)).with_code(code)
        source = study_source(study, root)
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


def _make_worker(study_folder: str, config: SweepConfig, root: str | None, code: str) -> None:
    global _worker  # noqa: PLW0603 (a pool's initializer has no other place to leave what it made)
    _worker = Worker(study_folder, config, root, code)


def _work(chunk: Chunk) -> Chunk:
    assert _worker is not None
    return _worker(chunk)


def _asked(config: SweepConfig) -> dict[str, Any]:
    """What decides a part's content: not how many parts there are, so that a sweep can be made longer."""
    return {name: value for name, value in config.to_dict().items() if name != "episodes"}


def _claim(folder: Path, identity: dict[str, Any]) -> None:
    path = folder / "sweep.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = None
    except (OSError, ValueError, RecursionError) as error:
        raise StudyError(
            f"{path} is damaged ({first_line(error)}), so nobody knows what its parts belong to; remove {folder} to "
            "sweep anew"
        ) from error
    if known is None:
        _write_claim(path, identity)
    elif known != identity:
        raise StudyError(
            f"{folder} holds parts of another sweep (other settings, weights or data); remove it to start anew"
        )


def _write_claim(path: Path, identity: dict[str, Any]) -> None:
    try:
        write_json(path, identity)
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {first_line(error)}") from error
