"""The Pareto fronts of cost and accuracy, and of cost, memory and accuracy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def pareto_front(table: pd.DataFrame, cost: str = "milliseconds") -> NDArray[np.bool_]:
    """Which rows no other row beats: none is both at least as cheap and at least as accurate, and better in one.

    table: columns `cost` and accuracy. Equal rows share their fate; a row with NaN is never on the front.
    """
    points = np.column_stack([table[cost].to_numpy(float), -table["accuracy"].to_numpy(float)])
    known = ~np.isnan(points).any(axis=1)
    unique, place = np.unique(np.where(known[:, None], points, np.inf), axis=0, return_inverse=True)
    best_before = np.minimum.accumulate(np.append(np.inf, unique[:, 1]))[:-1]
    leads = unique[:, 1] < best_before
    leads[:1] = True  # the cheapest, even where its accuracy is −inf
    return np.asarray(leads[place.reshape(-1)] & known)


def memory_front(table: pd.DataFrame, cost: str = "milliseconds") -> NDArray[np.bool_]:
    """As `pareto_front`, where none is as cheap, as small and as accurate, and better in one.

    table: columns `cost`, peak_bytes and accuracy.
    """
    points = np.column_stack([table[cost], table["peak_bytes"], -table["accuracy"]]).astype(float)
    known = ~np.isnan(points).any(axis=1)
    beaten = [
        bool(((points[known] <= point).all(axis=1) & (points[known] < point).any(axis=1)).any()) for point in points
    ]
    return np.asarray(known & ~np.array(beaten, dtype=bool))
