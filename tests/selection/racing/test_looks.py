"""The looks of a race."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lambda_core.selection.racing.looks import looks


@pytest.mark.parametrize("episodes", [8, 20, 100, 600, 1000])
def test_looks_double_and_end_with_all_episodes(episodes: int) -> None:
    places = looks(episodes)
    assert places[-1] == episodes
    assert places[0] >= 8
    assert all(second <= 2 * first for first, second in pairwise(places))
