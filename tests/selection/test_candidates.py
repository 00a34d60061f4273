"""Candidates as values, and the table of their accuracies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lambda_core.errors import SelectionError
from lambda_core.selection.candidates import (
    KEYS,
    Candidate,
    _candidates_an_episode,
    _in_any_order,
    candidate_index,
    candidates_of,
    check_episode_matrix,
    episode_matrix,
    same_step_size,
)
from lambda_core.selection.comparison import compare_candidates, select_pattern
from lambda_core.studies import Study
from tests.support.small_tables import accuracies


def test_matrix_holds_every_episode_once_in_any_order() -> None:
    frame = accuracies(p11=[0.5, 0.6, 0.7], p01=[0.4, 0.5, 0.6])
    shuffled = frame.sample(frac=1, random_state=3)
    candidates, matrix = episode_matrix(shuffled)
    order = shuffled["episode"].unique()
    row = candidates["pattern"].tolist().index("01")
    assert matrix[row].tolist() == [[0.4, 0.5, 0.6][episode] for episode in order]


def test_candidates_come_in_order_of_first_appearance(val: pd.DataFrame) -> None:
    shuffled = val.sample(frac=1, random_state=1)
    candidates, matrix = episode_matrix(shuffled)
    expected = shuffled.groupby(KEYS, sort=False, observed=True)["accuracy"].mean()
    assert candidates["pattern"].tolist() == expected.index.get_level_values("pattern").tolist()
    assert candidates["steps"].tolist() == expected.index.get_level_values("steps").tolist()
    assert matrix.mean(axis=1) == pytest.approx(expected.to_numpy(), abs=1e-6)


def test_a_candidate_is_found_in_a_table(scaled: Study) -> None:
    candidates, _ = episode_matrix(scaled.split("val"))
    values = candidates_of(candidates)
    assert [candidate_index(candidates, value) for value in values] == list(range(len(values)))
    with pytest.raises(SelectionError, match=r"no pattern 00001 at 9 steps with step size 0\.05"):
        candidate_index(candidates, Candidate("00001", 9, 0.05))


@pytest.mark.parametrize("lr", [1e-6, 0.05, 1 / 3, 100.0])
def test_step_sizes_are_the_same_up_to_the_rounding_of_float32(lr: float) -> None:
    assert same_step_size(np.float32(lr), lr)
    assert same_step_size(np.array([lr * (1 + 1e-7), lr * 1.001]), lr).tolist() == [True, False]
    assert Candidate("01", 1, lr).is_same(Candidate("01", 1, float(np.float32(lr))))
    assert not Candidate("01", 1, lr).is_same(Candidate("01", 1, lr * 1.001))
    assert not Candidate("01", 1, lr).is_same(Candidate("01", 2, lr))


def test_several_step_sizes_need_to_know_the_own_one(scaled: Study) -> None:
    frame = scaled.accuracy[(scaled.accuracy["split"] == "val") & (scaled.accuracy["steps"] > 0)]
    with pytest.raises(SelectionError, match="several step sizes"):
        compare_candidates(frame, scaled.timing, 2)
    assert compare_candidates(frame, scaled.timing, 2, lr=0.1).candidates["lr"].unique().tolist() == [0.1]


Change = Callable[[pd.DataFrame], pd.DataFrame]


def set_cell(column: str, value: Any) -> Change:
    return lambda frame: frame.assign(**{column: frame[column].where(np.arange(len(frame)) != 7, value)})


BAD_ACCURACY: dict[str, tuple[Change, str]] = {
    "NaN": (set_cell("accuracy", np.nan), "an accuracy is NaN or infinite"),
    "lost episode": (lambda f: f.drop(index=f.index[7]), "lacks an episode that others have; all need the same"),
    "doubled episode": (lambda f: pd.concat([f, f.head(1)]), "has an episode twice"),
    "one episode": (lambda f: f[f["episode"] == 0], "one episode shows no spread; at least 2 are needed"),
    "empty": (lambda f: f.head(0), "no rows for this split"),
    "both splits": (lambda f: pd.concat([f, f.assign(split="test")]), "mixes the splits test, val"),
    "no reference": (lambda f: f[f["pattern"] != "11111"], "has no pattern 11111 at 5 steps with step size 0.05"),
    "missing step size": (set_cell("lr", np.nan), "a pattern, step count or step size is missing"),
}


@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.parametrize("fault", BAD_ACCURACY)
def test_bad_accuracies(study: Study, val: pd.DataFrame, fault: str, swept: bool) -> None:
    change, message = BAD_ACCURACY[fault]
    with pytest.raises(SelectionError, match=message):
        select_pattern(change(as_swept(val) if swept else val), study.timing, 5, 1.0)


def as_swept(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of a sweep: episode by episode."""
    return frame.sort_values("episode", kind="stable", ignore_index=True)


def test_rows_in_the_order_of_a_sweep_give_the_same_matrix_for_less(scaled: Study) -> None:
    frame = as_swept(scaled.split("val"))
    candidates, matrix = episode_matrix(frame)
    expected, by_numbers = _in_any_order(frame)
    pd.testing.assert_frame_equal(candidates, expected)
    assert np.array_equal(matrix, by_numbers)
    assert matrix.flags.c_contiguous
    assert _candidates_an_episode(frame) == len(candidates)
    check_episode_matrix(frame)


DISORDER: dict[str, Change] = {
    "two rows swapped": lambda f: f.iloc[[1, 0, *range(2, len(f))]],
    "an episode twice": lambda f: f.assign(episode=f["episode"].replace(3, 2)),
    "a row too few": lambda f: f.iloc[1:],
    "a pattern twice": lambda f: f.assign(pattern=f["pattern"].astype(str).replace("00001", "00010")),
    "a word missing": lambda f: f.assign(pattern=f["pattern"].where(f["pattern"] != "00001")),
    "another order": lambda f: f.sample(frac=1, random_state=0),
}


@pytest.mark.parametrize("name", DISORDER)
def test_other_orders_are_not_taken_for_that_of_a_sweep(val: pd.DataFrame, name: str) -> None:
    assert _candidates_an_episode(DISORDER[name](as_swept(val))) == 0
