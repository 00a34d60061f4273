"""The record of a training: losses and accuracies averaged over a few iterations, one row after the other."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

ROW_EVERY = 10  # iterations averaged into one row
COLUMNS = ["iteration", "loss", "accuracy", "val_accuracy", "seconds"]


class TrainingLog:
    """Rows of COLUMNS, and the values since the last one. Accuracies 0 to 1; seconds since the start."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._window: list[tuple[float, float]] = []

    def add(self, loss: float, accuracy: float) -> None:
        """The values of one iteration."""
        self._window.append((loss, accuracy))

    @property
    def row_is_due(self) -> bool:
        """Enough iterations have passed since the last row."""
        return len(self._window) >= ROW_EVERY

    def end_row(self, iteration: int, val_accuracy: float, seconds: float) -> None:
        """A row of the means since the last one; val_accuracy: NaN where nothing was validated."""
        loss, accuracy = (sum(values) / len(self._window) for values in zip(*self._window, strict=True))
        self._window.clear()
        values = (iteration, loss, accuracy, val_accuracy, seconds)
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))

    @property
    def latest(self) -> dict[str, float]:
        """The newest loss and validation accuracy, for a progress line."""
        if not self.rows:
            return {}
        validated = [row["val_accuracy"] for row in self.rows if not math.isnan(row["val_accuracy"])]
        loss = self._window[-1][0] if self._window else self.rows[-1]["loss"]
        return {"loss": loss} | ({"val_accuracy": validated[-1]} if validated else {})

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a table; see COLUMNS."""
        return pd.DataFrame(self.rows, columns=COLUMNS).astype({"iteration": "int32"})

    def as_record(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {"rows": self.rows, "window": self._window}

    def restore(self, record: dict[str, Any]) -> None:
        """The inverse of `as_record`."""
        self.rows = record["rows"]
        self._window = [(loss, accuracy) for loss, accuracy in record["window"]]
