"""The figure of Explore."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from app.figures import tradeoff
from app.figures.palette import DARK, LIGHT, Palette


@pytest.mark.parametrize("axis", ["milliseconds", "multiply_adds"])
@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_tradeoff_draws_every_candidate_and_carries_it(table: pd.DataFrame, axis: str, colors: Palette) -> None:
    emphasised = np.zeros(len(table), dtype=bool)
    figure = tradeoff.scatter(table, axis=axis, threshold=1.0, emphasised=emphasised, marks=[], colors=colors)
    drawn = [tuple(point[:3]) for trace in figure.data if trace.customdata is not None for point in trace.customdata]
    assert len(drawn) == (table[axis] > 0).sum()
    assert set(drawn) <= set(table[["pattern", "steps", "lr"]].itertuples(index=False, name=None))


def test_tradeoff_tells_verdicts_by_shape(table: pd.DataFrame) -> None:
    emphasised = np.ones(len(table), dtype=bool)
    figure = tradeoff.scatter(table, axis="milliseconds", threshold=1.0, emphasised=emphasised, marks=[], colors=LIGHT)
    shapes = [trace.marker.symbol for trace in figure.data if trace.name in ("pass", "undecided", "fail")]
    assert len(set(shapes)) == 3
