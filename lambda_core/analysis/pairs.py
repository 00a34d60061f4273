"""Studies that share episodes, compared episode by episode: what is drawn alike cancels in the differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lambda_core.analysis.study_choice import choose
from lambda_core.formatting import interval, signed
from lambda_core.patterns import full_like
from lambda_core.selection import (
    Candidate,
    Interval,
    PairedDifference,
    SelectionSettings,
    episode_matrix,
    same_step_size,
)
from lambda_core.studies import Study

PAIRED = ("all layers, own steps", "the choice", "the best after one step")


@dataclass(frozen=True, eq=False)
class PairOfStudies:
    """Two studies on the same test episodes.

    gains: by PAIRED, how many points of accuracy `other` is above `one`; each end holds with the confidence asked for,
    over all pairs and PAIRED at once, for new episodes of these classes with these two models.
    """

    one: Study
    other: Study
    episodes: int
    gains: dict[str, Interval]


def share_episodes(one: Study, other: Study, split: str = "test") -> bool:
    """Whether episodes of the same number are the same: same images, ways, shots, queries and seed, same classes."""
    if _bank(one) != _bank(other):
        return False
    first, second = one.classes(split), other.classes(split)
    if first is None or second is None:
        return False
    common = min(len(first), len(second))
    return np.array_equal(first[:common], second[:common])


def pairs_beside_first(studies: Sequence[Study], settings: SelectionSettings) -> list[PairOfStudies]:
    """Each study beside the first one given that it shares episodes with. Raises SelectionError and StudyError."""
    firsts: list[Study] = []
    found: list[tuple[Study, Study]] = []
    for study in studies:
        first = next((each for each in firsts if share_episodes(each, study)), None)
        if first is None:
            firsts.append(study)
        else:
            found.append((first, study))
    return [_pair(one, other, settings, len(found) * len(PAIRED)) for one, other in found]


def pairs_table(pairs: Sequence[PairOfStudies]) -> list[list[str]]:
    """Rows of text: the study, beside which, episodes in common, points above it by PAIRED."""
    return [
        [f"`{pair.other.name}`", f"`{pair.one.name}`", f"{pair.episodes:,}", *map(_gain, pair.gains.values())]
        for pair in pairs
    ]


def _bank(study: Study) -> tuple[object, ...]:
    sweep, data = study.sweep_config, study.metadata.domain or study.metadata.dataset
    measured = None if sweep is None else (sweep.queries, sweep.seed, sweep.query_statistics)
    return data.fingerprint, data.name, study.config.ways, study.config.shots, measured


def _pair(one: Study, other: Study, settings: SelectionSettings, claims: int) -> PairOfStudies:
    here, there = _accuracies(one, settings), _accuracies(other, settings)
    episodes = here.index.intersection(there.index)
    gains = {}
    for what in PAIRED:
        above = there.loc[episodes, what].to_numpy(), here.loc[episodes, what].to_numpy()
        gains[what] = PairedDifference.in_points(*above).interval(settings.confidence, claims)
    return PairOfStudies(one, other, len(episodes), gains)


def _accuracies(study: Study, settings: SelectionSettings) -> pd.DataFrame:
    """Of test episodes (rows), 0 to 1, by PAIRED (columns)."""
    test = study.scores("test")
    full = Candidate(full_like(test.candidates["pattern"].iloc[0]), study.config.steps, study.config.lr)
    asked = (full, choose(study, settings)[0].candidate, _best_after_one_step(study))
    return pd.DataFrame(dict(zip(PAIRED, map(test.row, asked), strict=True)), index=test.episodes)


def _best_after_one_step(study: Study) -> Candidate:
    """By mean accuracy on validation classes, at the study's own step size; the full pattern is among them."""
    candidates, matrix = episode_matrix(study.scores("val"))
    one = (candidates["steps"] == 1).to_numpy() & same_step_size(candidates["lr"], study.config.lr)
    best = int(np.where(one, matrix.mean(axis=1), -np.inf).argmax())
    return Candidate(str(candidates["pattern"].iloc[best]), 1, study.config.lr)


def _gain(gain: Interval) -> str:
    return f"{signed(gain.estimate)} ({interval(gain.low, gain.high)})"
