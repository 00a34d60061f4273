"""Studies on the same episodes are compared episode by episode; others are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lambda_core.analysis.pairs import PAIRED, pairs_beside_first, pairs_table, share_episodes
from lambda_core.selection import PairedDifference, SelectionSettings
from lambda_core.studies import Study
from tests.support.synthetic import Truth, write_study


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Study]:
    root = tmp_path_factory.mktemp("pairs")
    write_study(root, "long", episodes=120, max_steps=5, filters=4)
    write_study(root, "short", episodes=80, max_steps=5, filters=4, truth=Truth(loss=(-0.05, 0.02, 0.02, 0.02, 0.0)))
    classes = np.array([np.random.default_rng(seed).permutation(20)[:5] for seed in range(120)])
    return [with_classes(Study.load(root / name), classes) for name in ("long", "short")]


def with_classes(study: Study, classes: NDArray[np.int64]) -> Study:
    count = len(study.split("test")["episode"].unique())
    episodes = np.repeat(np.arange(count), 5)
    tables = [
        pd.DataFrame({"split": split, "episode": episodes, "class": classes[:count].ravel()})
        for split in ("val", "test")
    ]
    return replace(study, episodes=pd.concat(tables, ignore_index=True))


def test_the_same_bank_is_known_by_its_settings_and_its_classes(two: list[Study]) -> None:
    one, other = two
    assert share_episodes(one, other)
    seeded = replace(other, metadata=replace(other.metadata, config=other.config.but(shots=5)))
    assert not share_episodes(one, seeded)
    others = np.array([np.random.default_rng(seed + 500).permutation(20)[:5] for seed in range(120)])
    assert not share_episodes(one, with_classes(other, others))
    assert not share_episodes(one, replace(other, episodes=None))


def test_a_gain_is_that_of_the_common_episodes(two: list[Study]) -> None:
    pair, *rest = pairs_beside_first(two, SelectionSettings())
    assert not rest
    assert (pair.one.name, pair.other.name, pair.episodes) == ("long", "short", 80)
    long, short = (full_accuracies(study)[:80] for study in two)
    expected = PairedDifference.in_points(short, long).interval(0.95, len(PAIRED))
    assert tuple(pair.gains["all layers, own steps"]) == pytest.approx(tuple(expected))
    row = pairs_table([pair])[0]
    assert row[:3] == ["`short`", "`long`", "80"]
    assert len(row) == 3 + len(PAIRED)


def full_accuracies(study: Study) -> NDArray[np.float64]:
    table = study.split("test")
    rows = table[(table["pattern"] == "11111") & (table["steps"] == 5)].sort_values("episode")
    return rows["accuracy"].to_numpy(float)


def test_a_study_alone_has_no_pair(two: list[Study]) -> None:
    assert pairs_beside_first(two[:1], SelectionSettings()) == []
