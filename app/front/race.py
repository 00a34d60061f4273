"""Two lanes, all layers and another pattern, played in slowed time: a component of our own, with no wait for Plotly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from app.front.recorded import Lane, typical_first
from app.shared import page, url_state
from lambda_core.errors import PatternError
from lambda_core.patterns import LambdaPattern

ASSETS = Path(__file__).parents[1] / "assets"
LASTS = 6500.0  # milliseconds that the slower lane takes to watch
EPISODES = 12  # to go through, of those that were measured
SLOWER = [digit * 10**power for power in range(5) for digit in (1, 2, 3, 5)]
KEY = "race"


@cache
def _component() -> Any:
    # needs a running server: not to be had at import
    script, style = ((ASSETS / f"race.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component("lambda_lab_race", html='<div class="race"></div>', css=style, js=script)


def show(
    layers: Sequence[str], costs: Sequence[int], queries: int, lanes: Sequence[tuple[dict[str, Any], Lane | None]]
) -> None:
    """The race. A click on a layer of the second lane puts that lane's pattern into the address.

    costs: of each layer's forward pass. queries: of an episode. lanes: what is said of each (title, note, pattern and,
    where it was edited, chosen: the pattern to go back to), and what was recorded; None: it was not measured.
    """
    data = race(layers, costs, queries, lanes) | {"color": page.colors().other}
    _component()(key=KEY, data=data, on_pattern_change=_take(len(layers)), width="stretch", height="content")


def _take(layers: int) -> Callable[[], None]:
    def take() -> None:
        asked = st.session_state[KEY].get("pattern")
        try:
            url_state.put(pattern=str(LambdaPattern.parse(str(asked), layers)) if asked else None)
        except PatternError:
            return  # only what the component sends is a pattern

    return take


def race(
    layers: Sequence[str], costs: Sequence[int], queries: int, lanes: Sequence[tuple[dict[str, Any], Lane | None]]
) -> dict[str, Any]:
    """What the component plays, fit for JSON."""
    recorded = [lane for _, lane in lanes if lane is not None]
    episodes = typical_first(recorded)[:EPISODES]
    longest = max(float(lane.milliseconds[-1]) for lane in recorded)
    whole = max(1, sum(costs))
    return {
        "layers": [{"name": name, "share": round(cost / whole, 4)} for name, cost in zip(layers, costs, strict=True)],
        "queries": queries,
        "episodes": episodes,
        "slower": max((factor for factor in SLOWER if factor * longest <= LASTS), default=1),
        "lanes": [said | _played(lane, episodes, queries) for said, lane in lanes],
    }


def _played(lane: Lane | None, episodes: Sequence[int], queries: int) -> dict[str, Any]:
    if lane is None:
        return {"milliseconds": None}
    return {
        "milliseconds": [round(float(at), 3) for at in lane.milliseconds],
        "right": [[round(float(share) * queries) for share in lane.accuracy[episode]] for episode in episodes],
        "phases": [[[layer, kind, round(share, 4)] for layer, kind, share in step] for step in lane.phases],
    }
