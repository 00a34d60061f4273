"""Candidates run on live episodes, for races and searches: what they share is computed once, and kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lambda_core.config import SearchConfig, SweepConfig
from lambda_core.costs import Axis
from lambda_core.episode import Bank
from lambda_core.errors import StudyError
from lambda_core.files import write_with
from lambda_core.inner_loop import InnerLoop
from lambda_core.model import Backbone
from lambda_core.pairs import Floats
from lambda_core.pattern import LambdaPattern, Row
from lambda_core.progress import Meter, Report
from lambda_core.racing import Arm, Race, Runner, confirm_race, race, study_field
from lambda_core.runs import measurable
from lambda_core.runtime import prepare
from lambda_core.search import Found, search, verdicts
from lambda_core.select import Confirmation
from lambda_core.study import Study
from lambda_core.sweeping import SWEPT_SPLITS, SharedEpisode

CHUNK = 10  # episodes a file
Wanted = list[tuple[int, list[Row]]]  # an arm's number and the rows it runs


def live(
    study: Study, split: str, *, seed: int | None = None, root: str | None = None, report: Report | None = None
) -> Runner:
    """A runner of this study's model on `split`; the bank is the sweep's own (so a race sees what a sweep sees) unless
    another seed is given. Finished parts lie in <study>/checkpoint/arms and are not run again.
    """
    source, fingerprint = measurable(study, root)
    config = study.sweep_config or SweepConfig()
    seed = config.seed if seed is None else seed
    bank = source.bank(study.config, split, queries=config.queries, seed=seed)
    runner = LiveArms(Backbone.of(study.model()), bank, study.config.lr, config.query_statistics, report)
    asked = f"{fingerprint} {split} {config.queries} {seed} {config.query_statistics}"
    return Kept(runner, study.folder / "checkpoint" / "arms", asked)


def race_live(
    study: Study,
    threshold: float,
    confidence: float = 0.95,
    *,
    episodes: int,
    axis: Axis = "milliseconds",
    root: str | None = None,
    report: Report | None = None,
) -> tuple[Race, Confirmation]:
    """Race a study's timed candidates on live validation episodes, and look at the winner once on test classes."""
    prepare(threads=1)
    result = race(
        study_field(study, axis), live(study, "val", root=root, report=report), episodes, threshold, confidence
    )
    return result, confirm_race(result, live(study, "test", root=root, report=report), episodes)


def search_live(
    study: Study, config: SearchConfig, *, root: str | None = None, report: Report | None = None
) -> tuple[Found, pd.DataFrame]:
    """Search step × layer patterns of up to the study's reference steps; verdicts on fresh episodes of val and test."""
    prepare(threads=1)
    if study.layer_costs is None:
        raise StudyError(f"{study.name} does not say what its layers cost; train it again to search by cost")
    lr, steps = study.config.lr, study.config.steps
    found = search(live(study, "val", seed=config.seed, root=root, report=report), steps, lr, study.layer_costs, config)
    tables = []
    for split in SWEPT_SPLITS:
        fresh = live(study, split, seed=config.seed + 1, root=root, report=report)
        tables.append(verdicts(found, fresh, steps, lr, config).assign(split=split))
    return found, pd.concat(tables, ignore_index=True)


class Kept:
    """A runner that keeps what another one finds, chunk by chunk, so that a stopped race or search goes on."""

    def __init__(self, runner: Runner, folder: Path, identity: str) -> None:
        self.runner, self.folder, self.identity = runner, folder, identity

    def __call__(self, arms: Sequence[Arm], episodes: range) -> Floats:
        chunks = [episodes[start : start + CHUNK] for start in range(0, len(episodes), CHUNK)]
        return np.concatenate([self._chunk(arms, chunk) for chunk in chunks], axis=1)

    def _chunk(self, arms: Sequence[Arm], episodes: range) -> Floats:
        asked = json.dumps([self.identity, [list(vars(arm).values()) for arm in arms], list(episodes)])
        path = self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.npy"
        found = _read(path)
        if found is None or found.shape != (len(arms), len(episodes)):
            found = self.runner(arms, episodes)
            write_with(path, lambda part: _write(part, found))
        return found


class LiveArms:
    """Runs arms on a bank's episodes: (arms, episodes) accuracies, 0 to 1."""

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

    def __call__(self, arms: Sequence[Arm], episodes: range) -> Floats:
        meter = Meter(f"{len(arms)} candidates, episodes", len(episodes), self.report)
        found = np.empty((len(arms), len(episodes)))
        for column, index in enumerate(episodes):
            episode = TreeEpisode(self.backbone, self.bank[index], self.lr, self.query_statistics)
            found[:, column] = episode.accuracies(arms)
            meter.advance()
        return found


class TreeEpisode(SharedEpisode):
    """An episode on which step × layer patterns grow as a tree: common first steps are taken once, and one backward
    pass serves all rows that may follow them.
    """

    def accuracies(self, arms: Sequence[Arm]) -> Floats:
        """Query accuracy of each arm, 0 to 1."""
        found = np.empty(len(arms))
        rows = [LambdaPattern.parse(arm.pattern, self.layers).rows_for(arm.steps) for arm in arms]
        for lr in {arm.lr for arm in arms}:
            loop = self.loop.fork()
            loop.lr = lr
            wanted = [(number, rows[number]) for number, arm in enumerate(arms) if arm.lr == lr]
            self._grow(loop, wanted, 0, self.layers - 1, found)
        return found

    def _grow(self, loop: InnerLoop, wanted: Wanted, depth: int, lowest: int, found: Floats) -> None:
        ends = [number for number, rows in wanted if len(rows) == depth]
        if ends:
            found[ends] = self._score(loop, lowest)[0]
        branches: dict[Row, Wanted] = {}
        for number, rows in wanted:
            if len(rows) > depth:
                branches.setdefault(rows[depth], []).append((number, rows))
        if not branches:
            return
        union = tuple(any(column) for column in zip(*branches, strict=True))
        gradients = self.first_gradients if depth == 0 else loop.gradients(union)[1]
        for row, branch in branches.items():
            after = loop.fork()
            after.update({layer: gradients[layer] for layer, updated in enumerate(row) if updated})
            self._grow(after, branch, depth + 1, min([lowest, *np.flatnonzero(row).tolist()]), found)


def _read(path: Path) -> Floats | None:
    """What is kept, or None where nothing readable is: then it is run again."""
    try:
        with path.open("rb") as file:
            found: Floats = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    sound = found.dtype == np.float64 and found.ndim == 2 and bool(((found >= 0) & (found <= 1)).all())
    return found if sound else None


def _write(path: Path, values: Floats) -> None:
    with path.open("wb") as file:
        np.save(file, values, allow_pickle=False)
