"""How high a candidate is drawn: by the points it loses, with the bars of the paired comparison, or by its accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Height = Literal["lost", "accuracy"]
HEIGHTS: dict[Height, str] = {"lost": "Points lost", "accuracy": "Accuracy"}
TITLES = {"lost": "points lost against the full pattern", "accuracy": "accuracy, %"}
NEAR = 8.0  # points below the full pattern that are seen at first, at the least
MOST_TICKS = 8
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


@dataclass(frozen=True)
class View:
    """What the y axis says and how far down it goes. threshold: points. everything: far worse candidates too."""

    height: Height
    threshold: float
    everything: bool = False

    def values(self, rows: pd.DataFrame) -> NDArray[Any]:
        """(rows,) where the candidates lie on the axis."""
        scale = 1 if self.height == "lost" else 100
        values: NDArray[Any] = rows["degradation" if self.height == "lost" else "accuracy"].to_numpy(float) * scale
        return values

    def level(self, table: pd.DataFrame, lost: float) -> float:
        """Where `lost` points below the full pattern lie."""
        full = float(table.loc[table["reference"], "accuracy"].iloc[0]) * 100
        return lost if self.height == "lost" else full - lost

    def lost_at(self, table: pd.DataFrame, height: float) -> float:
        """Points lost where the axis says `height`: the other way round."""
        return height if self.height == "lost" else self.level(table, 0.0) - height

    def bars(self, rows: pd.DataFrame) -> dict[str, Any] | None:
        """The bars of the paired comparison; accuracies have none: theirs would not be what a verdict rests on."""
        if self.height == "accuracy":
            return None
        mean, low, high = (
            rows[name].to_numpy(float) for name in ("degradation", "degradation_low", "degradation_high")
        )
        return {"array": high - mean, "arrayminus": mean - low, "symmetric": False}

    def axis(self, table: pd.DataFrame) -> dict[str, Any]:
        """Range and ticks; better is above."""
        lost = self._lost_in_view(table)
        bottom, top = (self.level(table, value) for value in lost)
        # Plotly makes its own, which follow a zoom; the picture that is seen first takes those given
        own = {"tickmode": "auto", "nticks": MOST_TICKS}
        return {"range": [bottom, top]} | round_ticks(min(bottom, top), max(bottom, top)) | own

    def in_view(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """(rows,) bool: candidates that the axis reaches."""
        seen: NDArray[np.bool_] = self._near(table) | self.everything
        return seen

    def _near(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        near: NDArray[np.bool_] = table["degradation"].to_numpy(float) < max(2.5 * self.threshold, NEAR)
        return near

    def _lost_in_view(self, table: pd.DataFrame) -> tuple[float, float]:
        """Points at the bottom and at the top of the axis."""
        seen = table[self.in_view(table)]
        most = max(float(seen["degradation_high"].max()), self.threshold)
        least = min(float(seen["degradation_low"].min()), 0.0)
        room = (most - least) * 0.05
        return most + room, least - room


def round_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks at round numbers in between, eight at most, with a true minus sign."""
    ticks = _ticks(low, high)
    return {"tickvals": ticks, "ticktext": [f"{tick:g}".replace("-", "−") for tick in ticks]}


def _ticks(low: float, high: float) -> list[float]:
    step = next((step for step in STEPS if (high - low) / step <= MOST_TICKS), 100)
    return [round(step * number, 6) + 0.0 for number in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]
