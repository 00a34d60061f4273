"""Accuracy and timing tables of a few patterns and episodes, written out in a test."""

from __future__ import annotations

import pandas as pd


def accuracies(**values: list[float]) -> pd.DataFrame:
    """A tiny accuracy table of patterns over two layers at one step: accuracies(p11=[...], p01=[...])."""
    rows = [
        {"split": "val", "pattern": name[1:], "steps": int("1" in name[1:]), "lr": 0.1, "episode": i, "accuracy": v}
        for name, each in values.items()
        for i, v in enumerate(each)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(loss=1.0)


def times_of(**values: list[float]) -> pd.DataFrame:
    rows = [
        {"pattern": name[1:], "steps": 1, "repeat": i, "device": "cpu", "threads": 1, "milliseconds": v,
         "multiply_adds": int(10 * min(each))}
        for name, each in values.items()
        for i, v in enumerate(each)
    ]  # fmt: skip
    return pd.DataFrame(rows)
