"""Where the time goes."""

from __future__ import annotations

import numpy as np

from app.figures import layer_costs
from app.figures.palette import LIGHT


def test_cost_bars_write_large_counts_out() -> None:
    costs = {"full": np.array([2.4e9, 5.16e8]), "head": np.array([1.2e7, 2.1e6])}
    figure = layer_costs.bars(costs, ["conv1", "head"], LIGHT)
    assert [note.text.strip() for note in figure.layout.annotations] == ["2,916 M", "14.1 M"]
