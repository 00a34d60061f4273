"""From candidate to candidate along the front, by a button: what a pointer does in the figure, for a keyboard."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app.shared import url_state
from lambda_core.selection import Axis


def buttons(table: pd.DataFrame, current: pd.Series | None, axis: Axis) -> None:
    """Two buttons: to the next faster and to the next slower candidate on the front. current: a row of the table."""
    faster, slower = (None, None) if current is None else on_either_side(table, float(current[axis]), axis)
    for label, icon, row in (("Faster", "arrow_back", faster), ("Slower", "arrow_forward", slower)):
        st.button(
            label,
            icon=f":material/{icon}:",
            help=f"The next {label.lower()} candidate on the front becomes the current one",
            disabled=row is None,
            on_click=take,
            args=(row,),
        )


def on_either_side(table: pd.DataFrame, cost: float, axis: Axis) -> tuple[pd.Series | None, pd.Series | None]:
    """Of the front: the dearest that costs less, and the cheapest that costs more; None at its ends."""
    front = table[table["on_front"]].sort_values(axis)
    below, above = front[front[axis] < cost], front[front[axis] > cost]
    return (None if below.empty else below.iloc[-1]), (None if above.empty else above.iloc[0])


def take(row: Any) -> None:
    """Make a row of the table the current candidate."""
    url_state.put(pattern=str(row["pattern"]), steps=int(row["steps"]), lr=float(row["lr"]))
