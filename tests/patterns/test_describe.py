"""A pattern in words."""

from __future__ import annotations

import pytest

from lambda_core.patterns.describe import describe_pattern
from tests.support.synthetic import LAYERS


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("00001", "only the head"),
        ("00010", "only conv4"),
        ("11111", "all layers"),
        ("11110", "all layers but the head"),
        ("01111", "all layers but conv1"),
        ("00111", "conv3, conv4 and head"),
        ("00011", "conv4 and head"),
        ("00000", "nothing"),
        ("nnnn1", "the head, and scale and shift of all layers but the head"),
        ("000n0", "scale and shift of conv4"),
        ("nnnnn", "scale and shift of all layers"),
        ("0nn11/00001", "conv4 and head, and scale and shift of conv2 and conv3 first, then only the head"),
        ("11111/00001", "all layers first, then only the head"),
        ("11111/00011/00001", "all layers first, then conv4 and head, then only the head"),
    ],
)
def test_patterns_in_words(pattern: str, words: str) -> None:
    assert describe_pattern(pattern, LAYERS) == words
