"""Candidates run on live episodes, for races and searches: what they share is computed once, and kept on disk."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lambda_core.adaptation import InnerLoop, only
from lambda_core.backbones import Backbone
from lambda_core.episodes import Bank, Episode
from lambda_core.errors import StudyError
from lambda_core.measurement.parts import WHOLE, Part
from lambda_core.measurement.shared_episode import SharedEpisode, each_or_together
from lambda_core.patterns import LambdaPattern, Row, Update
from lambda_core.selection import Candidate, Floats, Runner
from lambda_core.studies import read_file
from lambda_core.system import Meter, Report, first_line, spread, write_with

CHUNK = 10  # episodes a file
DIGEST = 32  # bytes of a SHA-256
WORTH_PROCESSES = 16  # chunks


Piece = tuple[Sequence[Candidate], range]
Wanted = list[tuple[int, list[Row]]]  # an candidate's number and the rows it runs


class CachedRunner:
    """A runner that keeps what another one finds, chunk by chunk, so that a stopped race or search goes on.

    make: makes from `given`, in a worker process, one that keeps in the same folder too, for asking it with a pair
    (candidates, episodes); None: this process runs all. processes: None: one a core. Few chunks are run here: they end
    before a process has begun. part: of several processes that share the folder: it makes its own chunks first, then
    what the others have not made yet, and so finds all.
    """

    def __init__(
        self,
        runner: Runner,
        folder: Path,
        identity: str,
        make: Callable[..., Callable[[Piece], Floats]] | None = None,
        given: Sequence[object] = (),
        processes: int | None = 1,
        report: Report | None = None,
        part: Part = WHOLE,
    ) -> None:
        self.runner, self.folder, self.identity, self.part = runner, folder, identity, part
        self.make, self.given, self.processes, self.report = make, given, processes, report

    def __call__(self, candidates: Sequence[Candidate], episodes: range) -> Floats:
        chunks = [episodes[start : start + CHUNK] for start in range(0, len(episodes), CHUNK)]
        in_turn = self.part.in_turn(chunks)
        if self.make is not None and self.processes != 1:
            self._run_elsewhere(self.make, candidates, in_turn)
        found = {chunk: self._chunk(candidates, chunk) for chunk in in_turn}
        return np.concatenate([found[chunk] for chunk in chunks], axis=1)

    def _run_elsewhere(
        self, make: Callable[..., Callable[[Piece], Floats]], candidates: Sequence[Candidate], chunks: list[range]
    ) -> None:
        missing = [(candidates, chunk) for chunk in chunks if self._kept(candidates, chunk) is None]
        if len(missing) < WORTH_PROCESSES:
            return
        meter = Meter(f"{len(candidates)} candidates, episodes", sum(map(len, chunks)), self.report)
        meter.advance(sum(map(len, chunks)) - sum(len(chunk) for _, chunk in missing))
        for piece, _ in spread(make, self.given, missing, self.processes):
            meter.advance(len(piece[1]))

    def _chunk(self, candidates: Sequence[Candidate], episodes: range) -> Floats:
        found = self._kept(candidates, episodes)
        if found is None:
            found = self.runner(candidates, episodes)
            _write(self._path(candidates, episodes), found)
        return found

    def _kept(self, candidates: Sequence[Candidate], episodes: range) -> Floats | None:
        found = _read(self._path(candidates, episodes))
        return found if found is not None and found.shape == (len(candidates), len(episodes)) else None

    def _path(self, candidates: Sequence[Candidate], episodes: range) -> Path:
        asked = json.dumps(
            [self.identity, [list(vars(candidate).values()) for candidate in candidates], list(episodes)]
        )
        return self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.npy"


class LiveRunner:
    """Runs candidates on a bank's episodes: (candidates, episodes) accuracies, 0 to 1."""

    def __init__(
        self,
        backbone: Backbone,
        bank: Bank,
        lr: float,
        query_statistics: str = "transductive",
        report: Report | None = None,
    ) -> None:
        self.backbone, self.bank, self.lr, self.report = backbone, bank, lr, report
        self.query_statistics = query_statistics

    def __call__(self, candidates: Sequence[Candidate], episodes: range) -> Floats:
        meter = Meter(f"{len(candidates)} candidates, episodes", len(episodes), self.report)
        found = np.empty((len(candidates), len(episodes)))

        def run(one_or_many: Backbone, episode: Episode) -> Floats:
            return PrefixTreeEpisode(one_or_many, episode, self.lr, self.query_statistics).accuracies(candidates)

        done = 0
        for part, accuracies in each_or_together(run, self.backbone, self.bank, episodes):
            found[:, done : done + len(part)] = accuracies.reshape(len(candidates), len(part))
            done += len(part)
            meter.advance(len(part))
        return found


class PrefixTreeEpisode(SharedEpisode):
    """An episode on which step × layer patterns grow as a tree: common first steps are taken once, and one backward
    pass serves all rows that may follow them.
    """

    def accuracies(self, candidates: Sequence[Candidate]) -> Floats:
        """Query accuracy of each candidate, 0 to 1: (candidates,), or (candidates, E) of stacked episodes."""
        found: dict[int, Tensor] = {}
        rows = [
            LambdaPattern.parse(candidate.pattern, self.layers).rows_for(candidate.steps) for candidate in candidates
        ]
        for step_size in {candidate.step_size for candidate in candidates}:
            loop = self.loop.fork()
            loop.lr = step_size
            wanted = [(number, rows[number]) for number, each in enumerate(candidates) if each.step_size == step_size]
            self._grow(loop, wanted, 0, self.layers - 1, found)
        accuracies: Floats = torch.stack([found[number] for number in range(len(candidates))]).cpu().double().numpy()
        return accuracies

    def _grow(self, loop: InnerLoop, wanted: Wanted, depth: int, lowest: int, found: dict[int, Tensor]) -> None:
        ends = [number for number, rows in wanted if len(rows) == depth]
        if ends:
            accuracy = self.score(loop, lowest)[..., 0]
            found.update(dict.fromkeys(ends, accuracy))
        branches: dict[Row, Wanted] = {}
        for number, rows in wanted:
            if len(rows) > depth:
                branches.setdefault(rows[depth], []).append((number, rows))
        if not branches:
            return
        union = tuple(Update.widest(column) for column in zip(*branches, strict=True))
        gradients = self.first_gradients if depth == 0 else loop.gradients(union)[1]
        for row, branch in branches.items():
            after = loop.fork()
            after.update(only(gradients, self.backbone.changed_by(row)))
            self._grow(after, branch, depth + 1, min([lowest, *np.flatnonzero(row).tolist()]), found)


def _read(path: Path) -> Floats | None:
    """What is kept, or None where nothing readable is: then it is run again."""
    try:
        content = read_file(path.parent, path.name, None)
        array, digest = content[:-DIGEST], content[-DIGEST:]
        if hashlib.sha256(array).digest() != digest:
            return None
        found: Floats = np.load(io.BytesIO(array), allow_pickle=False)
    except (StudyError, ValueError, EOFError):
        return None
    sound = found.dtype == np.float64 and found.ndim == 2 and bool(((found >= 0) & (found <= 1)).all())
    return found if sound else None


def _write(path: Path, values: Floats) -> None:
    """An array file, and the SHA-256 of it after its end."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    content = buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest()
    try:
        write_with(path, lambda part: part.write_bytes(content))
    except OSError as error:
        raise StudyError(f"{path.parent} cannot be written: {first_line(error)}") from error
