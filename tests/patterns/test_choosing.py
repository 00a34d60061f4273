"""Which patterns are measured: every choice holds what all is compared with."""

from __future__ import annotations

import pytest

from lambda_core.errors import PatternError
from lambda_core.patterns import LambdaPattern, patterns_to_measure


def texts(choice: str, layers: int) -> list[str]:
    return list(map(str, patterns_to_measure(choice, layers)))


def test_all_are_all_in_their_order():
    assert patterns_to_measure("all", 4) == LambdaPattern.enumerate(4)


def test_tails_are_the_last_layers():
    assert texts("tails", 4) == ["0000", "0001", "0011", "0111", "1111"]
    assert len(texts("tails", 30)) == 31


def test_finer_are_all_three_digits():
    found = texts("finer", 3)
    assert len(set(found)) == 27
    assert found == sorted(found)
    assert {"000", "111", "nn1", "1n0"} <= set(found)


def test_names_of_the_literature_and_of_last_layers_are_choices():
    assert texts("norm,last2,head", 4) == ["0000", "0001", "0011", "1111", "nnn1"]


def test_a_list_takes_names_and_gains_both_ends():
    assert texts("anil, 0101,boil,0101", 4) == ["0000", "0001", "0101", "1110", "1111"]


@pytest.mark.parametrize(
    ("choice", "layers", "words"),
    [
        ("all", 13, "8,192 patterns; all are measured of at most 12 layers"),
        ("", 4, "all, finer, tails, or several"),
        ("0001,,0011", 4, "all, finer, tails, or several"),
        ("0001,00011", 4, "5 digits for 4 layers"),
        ("1111/0001", 4, "the same layers at every step"),
        ("heads", 4, "neither 0, 1 nor n"),
        ("finer", 8, "6,561 patterns; finer are measured of at most 7 layers"),
        ("last5", 4, "last 5 of 4 layers; write last1 to last4"),
    ],
)
def test_what_is_no_choice_is_told(choice, layers, words):
    with pytest.raises(PatternError, match=words):
        patterns_to_measure(choice, layers)
