"""A choice in words."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from lambda_core.selection.candidates import Candidate
from lambda_core.selection.choice import Choice, Confirmation
from lambda_core.selection.paired_tests import Interval
from lambda_core.selection.sentences import describe_degradation, promise, sentence
from tests.support.synthetic import LAYERS


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.5, 0.1, 0.9), "0.5 points lower (0.1 … 0.9, each end 95 %)"),
        ((1.0, -0.2, 2.2), "1 point lower (−0.2 … 2.2, each end 95 %)"),
        ((-0.6, -1.0, -0.2), "0.6 points higher (0.2 … 1.0, each end 95 %)"),
        ((0.04, -0.3, 0.4), "equally accurate (−0.3 … 0.4, each end 95 %)"),
        ((-0.04, -0.4, 0.3), "equally accurate (−0.3 … 0.4, each end 95 %)"),
    ],
)
def test_degradations_in_words(values: tuple[float, float, float], words: str) -> None:
    assert describe_degradation(Interval(*values), 0.95) == words


def a_choice(*, pattern: str = "00001", steps: int = 3, lr: float = 0.05, axis: Any = "milliseconds") -> Choice:
    return Choice(
        candidate=Candidate(pattern, steps, lr),
        reference=Candidate("11111", 5, 0.05),
        speed=Interval(14.2, 13.1, 15.0),
        near_fastest=0.9,
        degradation=Interval(0.5, 0.1, 0.81),
        accuracy=0.53,
        milliseconds=2.0,
        multiply_adds=10,
        threshold=1.0,
        confidence=0.95,
        episodes=600,
        candidates=310,
        finalists=4,
        axis=axis,
        verdicts=pd.DataFrame(),
    )


def a_confirmation(verdict: Any) -> Confirmation:
    return Confirmation(verdict, Interval(0.8, 0.3, 1.3), 0.52, 0.53, 600, 4)


@pytest.mark.parametrize(
    ("choice", "verdict", "words"),
    [
        ({}, None, "Update only the head for 3 steps: 14.2× faster (13.1 … 15.0×)."),
        ({"steps": 1}, None, "Update only the head for 1 step: 14.2× faster (13.1 … 15.0×)."),
        (
            {"pattern": "11111/00001", "axis": "multiply_adds"},
            "pass",
            "Update all layers first, then only the head, for 3 steps: 14.2× fewer multiply-adds, "
            "0.8 points lower (0.3 … 1.3, each end 95 %) on unseen classes: confirmed.",
        ),
        (
            {"pattern": "11111/00001", "steps": 1, "lr": 0.1},
            "fail",
            "Update all layers for 1 step with a step size of 0.1: 14.2× faster (13.1 … 15.0×), 0.8 points lower "
            "(0.3 … 1.3, each end 95 %) on unseen classes: not confirmed.",
        ),
        (
            {},
            "undecided",
            "Update only the head for 3 steps: 14.2× faster (13.1 … 15.0×), 0.8 points lower "
            "(0.3 … 1.3, each end 95 %) on unseen classes: neither confirmed nor refuted.",
        ),
        (
            {"pattern": "11111", "steps": 5},
            "pass",
            "Keep the full pattern for 5 steps: nothing faster is shown to lose at most 1 point.",
        ),
    ],
)
def test_sentences(choice: dict[str, Any], verdict: str | None, words: str) -> None:
    assert sentence(a_choice(**choice), None if verdict is None else a_confirmation(verdict), LAYERS) == words


def test_a_promise_names_its_rate_and_its_population() -> None:
    """And rounds its bound up: 0.81 points are more than 0.8."""
    words = (
        "Loses at most 0.9 points on validation classes: 95 % sure for new episodes of these classes with this model."
    )
    assert promise(a_choice()) == words
    assert "95 % sure for new episodes of these classes" in promise(a_choice(pattern="11111", steps=5))
