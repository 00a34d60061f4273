"""Accuracy of every pattern at every step count over one bank of episodes, sharing work between patterns.

Shared within an episode: the first step's gradients (every pattern starts from the same weights), the support and query
activations below a pattern's lowest layer, and the adaptation itself (s + 1 steps continue s steps). The episodes are
split into chunks; each finished chunk is a file, so a sweep can be stopped anywhere and resumed, or made in parts.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from lambda_core.backbones import Backbone
from lambda_core.config import SweepConfig
from lambda_core.measurement.accuracy import sweep
from lambda_core.measurement.fitting import FittedSweep, fitted_sweep
from lambda_core.measurement.parts import WHOLE, Part
from lambda_core.measurement.study_images import study_source
from lambda_core.measurement.sweep_chunks import SWEPT_SPLITS, Chunk, Claim, chunks_of, folder_of_chunks
from lambda_core.patterns import patterns_to_measure
from lambda_core.studies import Study
from lambda_core.system import Meter, Report, prepare, spread


def sweep_in_chunks(
    study_folder: Path,
    config: SweepConfig,
    fingerprint: str,
    *,
    root: str | None = None,
    processes: int | None = 1,
    report: Report | None = None,
    code: str = "",
    memory_limit: int | None = None,
) -> pd.DataFrame:
    """Every per-layer pattern on both splits' banks, chunk by chunk, in `processes` processes of one thread each.

    Finished chunks lie in <study>/checkpoint/sweep and are not made again, not for more episodes either; `fingerprint`
    names the weights and data they were made with, and chunks of others are refused. processes: None: one a core.
    code: `Study.code`. memory_limit: bytes that all processes together may hold of episodes, beside images and weights.
    Raises ConfigError where nothing fits it.
    """
    work: dict[str, Any] = {"root": root, "processes": processes, "report": report, "code": code}
    make_chunks(study_folder, config, fingerprint, memory_limit=memory_limit, **work)
    return table_of(chunks_of(folder_of_chunks(study_folder), config.episodes))


def make_chunks(
    study_folder: Path,
    config: SweepConfig,
    fingerprint: str,
    *,
    part: Part = WHOLE,
    root: str | None = None,
    processes: int | None = 1,
    report: Report | None = None,
    code: str = "",
    memory_limit: int | None = None,
) -> None:
    """Those chunks of `sweep_in_chunks` that are this part's and not there yet."""
    folder = folder_of_chunks(study_folder)
    Claim.of(config, fingerprint).take(folder)
    chunks = part.share(chunks_of(folder, config.episodes))
    missing = [chunk for chunk in chunks if not chunk.is_there]
    total = sum(chunk.count for chunk in chunks)
    meter = Meter("sweep, episodes", total, report, done=total - sum(chunk.count for chunk in missing))
    given, fit = (str(study_folder), config, root, code), FittedSweep(processes)
    if memory_limit is not None and missing:
        fit = Worker(*given).fitted(memory_limit, processes)
    for chunk, _ in spread(Worker, (*given, fit.at_once), missing, fit.processes):
        meter.advance(chunk.count)


def table_of(chunks: list[Chunk]) -> pd.DataFrame:
    """The table of a sweep, of all its chunks. Raises StudyError where one is not there."""
    return pd.concat([chunk.read() for chunk in chunks], ignore_index=True)


def unpack(study: Study, config: SweepConfig, fingerprint: str) -> None:
    """Turn the table of a study that was swept under the same settings back into chunks, which are then not made again:
    a study that came without its checkpoint can be swept for longer.
    """
    swept = study.sweep_config
    claim = Claim.of(config, fingerprint)
    if study.accuracies is None or swept is None or Claim.of(swept, fingerprint).config != claim.config:
        return
    folder = folder_of_chunks(study.folder)
    claim.take(folder)
    splits = {name: study.split(name) for name in ("val", "test")}
    for chunk in chunks_of(folder, swept.episodes):
        if not chunk.is_there:
            rows = splits[chunk.split]
            chunk.write(rows[rows["episode"].between(chunk.first, chunk.first + chunk.count - 1)])


def drop_short_chunks(study: Study) -> None:
    """Remove chunks of a sweep that did not reach the reference, the study's own number of steps."""
    folder = folder_of_chunks(study.folder)
    claim = Claim.read(folder)
    if claim is not None and claim.settings.max_steps < study.config.steps:
        shutil.rmtree(folder, ignore_errors=True)


class Worker:
    """A process's model and banks; called with a chunk, it writes the chunk's file."""

    def __init__(
        self, study_folder: str, config: SweepConfig, root: str | None, code: str = "", at_once: int | None = None
    ) -> None:
        prepare(threads=1)
        self.at_once = at_once
        study = Study.load(Path(study_folder)).with_code(code)
        source = study_source(study, root)
        self.model, self.lr, self.config = study.model(), study.config.lr, config
        self.banks = {
            split: source.bank(study.config, split, queries=config.queries, seed=config.seed) for split in SWEPT_SPLITS
        }
        self.patterns = patterns_to_measure(config.patterns, len(study.layers))

    def __call__(self, chunk: Chunk) -> None:
        config = self.config
        frame = sweep(
            self.model,
            self.banks[chunk.split],
            range(chunk.first, chunk.first + chunk.count),
            self.patterns,
            config.max_steps,
            self.lr,
            chunk.split,
            scales=config.scales,
            query_statistics=config.query_statistics,
            at_once=self.at_once,
        )
        chunk.write(frame)

    def fitted(self, limit: int, processes: int | None) -> FittedSweep:
        """How its work holds at most `limit` bytes: see `fitted_sweep`."""
        backbone, episode = Backbone.of(self.model).checked(*self.patterns), self.banks["val"][0]
        return fitted_sweep(backbone, episode, self.patterns, self.config.query_statistics, limit, processes)
