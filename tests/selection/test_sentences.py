"""A choice in words."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from lambda_core.selection.candidates import Candidate
from lambda_core.selection.choice import Choice, Confirmation
from lambda_core.selection.paired_tests import Interval
from lambda_core.selection.sentences import describe_degradation, sentence
from tests.support.synthetic import LAYERS


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.5, 0.1, 0.9), "0.5 points lower (95 %: 0.1 … 0.9)"),
        ((1.0, -0.2, 2.2), "1 point lower (95 %: −0.2 … 2.2)"),
        ((-0.6, -1.0, -0.2), "0.6 points higher (95 %: 0.2 … 1.0)"),
        ((0.04, -0.3, 0.4), "equally accurate (95 %: −0.3 … 0.4)"),
        ((-0.04, -0.4, 0.3), "equally accurate (95 %: −0.3 … 0.4)"),
    ],
)
def test_degradations_in_words(values: tuple[float, float, float], words: str) -> None:
    assert describe_degradation(Interval(*values), 0.95) == words


def a_choice(*, pattern: str = "00001", steps: int = 3, lr: float = 0.05, axis: Any = "milliseconds") -> Choice:
    return Choice(
        candidate=Candidate(pattern, steps, lr),
        reference=Candidate("11111", 5, 0.05),
        speed_up=14.2,
        degradation=Interval(0.5, 0.1, 0.9),
        accuracy=0.53,
        milliseconds=2.0,
        multiply_adds=10,
        threshold=1.0,
        confidence=0.95,
        episodes=600,
        candidates=310,
        axis=axis,
        verdicts=pd.DataFrame(),
    )


def a_confirmation(verdict: Any) -> Confirmation:
    return Confirmation(verdict, Interval(0.8, 0.3, 1.3), 0.52, 0.53, 600)


@pytest.mark.parametrize(
    ("choice", "verdict", "words"),
    [
        ({}, None, "Update only the head for 3 steps: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9)."),
        ({"steps": 1}, None, "Update only the head for 1 step: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9)."),
        (
            {"pattern": "11111/00001", "axis": "multiply_adds"},
            "pass",
            "Update all layers first, then only the head, for 3 steps: 14.2× fewer multiply-adds, "
            "0.5 points lower (95 %: 0.1 … 0.9), confirmed on unseen classes.",
        ),
        (
            {"pattern": "11111/00001", "steps": 1, "lr": 0.1},
            "fail",
            "Update all layers for 1 step with a step size of 0.1: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9), "
            "but not confirmed: on unseen classes it loses more than allowed (0.8, 0.3 … 1.3).",
        ),
        (
            {},
            "undecided",
            "Update only the head for 3 steps: 14.2× faster, 0.5 points lower (95 %: 0.1 … 0.9), "
            "neither confirmed nor refuted on unseen classes (0.8, 0.3 … 1.3).",
        ),
        (
            {"pattern": "11111", "steps": 5},
            "pass",
            "Keep the full pattern for 5 steps: nothing faster is shown to lose at most 1 point with 95 % confidence.",
        ),
    ],
)
def test_sentences(choice: dict[str, Any], verdict: str | None, words: str) -> None:
    assert sentence(a_choice(**choice), None if verdict is None else a_confirmation(verdict), LAYERS) == words
