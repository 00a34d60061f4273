"""The accuracies in memory are the table, row by row and number by number, whatever the order of its rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lambda_core.selection import compare_candidates, confirm, episode_matrix, scores_of
from lambda_core.selection.improvements import better_than_full
from lambda_core.studies.study import Study
from lambda_core.studies.tables import Loose, Swept, accuracies_of, read_accuracies, read_table, write_table
from tests.support.large_study import write_large_study

Change = Callable[[pd.DataFrame], pd.DataFrame]


def as_swept(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of a sweep."""
    order = frame.assign(split=frame["split"].astype(str)).sort_values(["split", "episode"], kind="stable").index
    return frame.loc[order].reset_index(drop=True)


@pytest.fixture
def table(folder: Path) -> pd.DataFrame:
    return as_swept(read_table(folder, "accuracy"))


def held(folder: Path, frame: pd.DataFrame) -> Swept | Loose:
    write_table(folder, "accuracy", frame)
    return read_accuracies(folder, (folder / "accuracy.parquet").read_bytes())


ORDERS: dict[str, tuple[Change, type]] = {
    "of a sweep": (lambda f: f, Swept),
    "test before val": (lambda f: f.sort_values("split", key=lambda each: each == "val", kind="stable"), Swept),
    "one split": (lambda f: f[f["split"] == "val"], Swept),
    "two rows swapped": (lambda f: f.iloc[[1, 0, *range(2, len(f))]], Loose),
    "splits by turns": (lambda f: f.sort_values("episode", kind="stable"), Loose),
    "a row too few": (lambda f: f.iloc[1:], Loose),
    "one episode": (lambda f: f[f["episode"] == 0], Loose),
    "an episode twice": (lambda f: f.assign(episode=f["episode"].replace(2, 1)), Loose),
    "a candidate twice": (lambda f: pd.concat([f, f]).sort_values(["split", "episode"], kind="stable"), Loose),
    "another step size in one episode": (lambda f: f.assign(lr=f["lr"].where(f["episode"] > 0, 0.5)), Loose),
    "by chance": (lambda f: f.sample(frac=1, random_state=0), Loose),
}


@pytest.mark.parametrize("name", ORDERS)
def test_it_is_the_table_in_whatever_order(folder: Path, table: pd.DataFrame, name: str) -> None:
    change, kind = ORDERS[name]
    found = held(folder, change(table).reset_index(drop=True))
    plain = read_table(folder, "accuracy")
    for each in (found, accuracies_of(plain)):
        assert isinstance(each, kind)
        assert len(each) == len(plain)
        pd.testing.assert_frame_equal(each.frame(), plain)
        for split in plain["split"].unique():
            pd.testing.assert_frame_equal(each.split(split), plain[plain["split"] == split])


@pytest.mark.parametrize("name", ["of a sweep", "test before val", "by chance"])
def test_its_arrays_are_those_of_the_table(folder: Path, table: pd.DataFrame, name: str) -> None:
    found = held(folder, ORDERS[name][0](table).reset_index(drop=True))
    for split in ("val", "test"):
        rows, scores = found.split(split), found.scores(split)
        candidates, matrix = episode_matrix(rows)
        pd.testing.assert_frame_equal(scores.candidates, candidates)
        assert np.array_equal(scores.matrix(), matrix)
        assert scores.episodes.tolist() == rows["episode"].unique().tolist()
        some = np.arange(len(candidates)) % 3 == 1
        assert np.array_equal(scores.matrix(some), matrix[some])
        assert np.array_equal(scores.of(some).matrix(), matrix[some])
        assert scores.of(some).candidates.equals(candidates[some].reset_index(drop=True))


def test_a_split_that_is_not_there_has_no_rows(folder: Path, table: pd.DataFrame) -> None:
    found = held(folder, table[table["split"] == "val"])
    assert found.split("test").empty
    with pytest.raises(Exception, match="no rows for this split"):
        scores_of(found.scores("test"))


def test_a_table_that_was_handed_out_can_be_changed_without_harm(folder: Path, table: pd.DataFrame) -> None:
    found = held(folder, table)
    for given in (found.frame(), found.split("val")):
        given["accuracy"] = 0.0
        given.loc[:, "loss"] = 0.0
    pd.testing.assert_frame_equal(found.frame(), read_table(folder, "accuracy"))


def test_a_sweep_takes_a_third_of_what_its_rows_take(tmp_path: Path) -> None:
    study = Study.load(write_large_study(tmp_path, layers=5, steps=3, episodes=20, repeats=2))
    assert isinstance(study.accuracies, Swept)
    rows = study.accuracies.frame().memory_usage(index=False, deep=True).sum()
    kept = study.accuracies.accuracy.nbytes + study.accuracies.loss.nbytes
    assert kept * 2 < rows


def test_what_is_asked_of_arrays_is_answered_as_of_the_table(tmp_path: Path) -> None:
    """To the last bit: the same choice, bounds, confirmation and gains."""
    study = Study.load(write_large_study(tmp_path, layers=4, steps=6, episodes=40, repeats=3))
    answers = []
    for ask in (study.scores, study.split):
        comparison = compare_candidates(ask("val"), study.timing, study.config.steps)
        choice = comparison.choose(3.0)
        answers.append((comparison.table(3.0), choice, confirm(choice, ask("test")), better_than_full(ask("test"))))
    (table, choice, seen, gains), (plain_table, plain, plainly_seen, plain_gains) = answers
    pd.testing.assert_frame_equal(table, plain_table, check_exact=True)
    pd.testing.assert_frame_equal(gains, plain_gains, check_exact=True)
    assert (choice.as_dict(), seen) == (plain.as_dict(), plainly_seen)
