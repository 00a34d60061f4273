"""The figure of Explore, and the picture of it that is seen first."""

from __future__ import annotations

import re
from base64 import b64decode
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app.figures import tradeoff
from app.figures.palette import DARK, LIGHT, Palette


def drawn(table: pd.DataFrame, height: str = "lost", axis: str = "milliseconds", colors: Palette = LIGHT) -> dict:
    view = tradeoff.View(height, 1.0)
    return tradeoff.scatter(
        table, axis=axis, view=view, emphasised=np.ones(len(table), dtype=bool), marks=[], colors=colors
    )


@pytest.mark.parametrize("height", tradeoff.HEIGHTS)
@pytest.mark.parametrize("axis", ["milliseconds", "multiply_adds"])
@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_it_draws_every_candidate_and_carries_it(table: pd.DataFrame, height: str, axis: str, colors: Palette) -> None:
    figure = go.Figure(drawn(table, height, axis, colors))
    points = [point for trace in figure.data if trace.customdata is not None for point in trace.customdata]
    assert sorted(int(point[0]) for point in points) == table.index[table[axis] > 0].tolist()
    for place, steps, lr, *_ in points:
        assert (table.loc[int(place), "steps"], table.loc[int(place), "lr"]) == (steps, lr)


def test_verdicts_are_told_by_shape(table: pd.DataFrame) -> None:
    shapes = [trace["marker"]["symbol"] for trace in drawn(table)["data"] if trace["mode"] == "markers"]
    assert len(set(shapes)) == 3


def test_a_verdict_can_be_read_off_the_bars(table: pd.DataFrame) -> None:
    """The bars are those of the paired comparison: one that passes ends within the threshold."""
    line = next(trace for trace in drawn(table)["data"] if trace["name"] == "front")
    rows = table[table["on_front"] & (table["milliseconds"] > 0)].sort_values("milliseconds")
    assert np.allclose(line["y"] + line["error_y"]["array"], rows["degradation_high"])
    assert np.allclose(line["y"] - line["error_y"]["arrayminus"], rows["degradation_low"])
    passing = (rows["verdict"] == "pass").to_numpy()
    assert passing.any()
    assert (line["y"] + line["error_y"]["array"])[passing].max() <= 1.0
    assert all(trace.get("error_y") is None for trace in drawn(table, "accuracy")["data"])  # they are not paired


@pytest.mark.parametrize("height", tradeoff.HEIGHTS)
def test_better_is_above_and_the_far_ones_can_be_seen(table: pd.DataFrame, height: str) -> None:
    near, far = tradeoff.View(height, 1.0), tradeoff.View(height, 1.0, everything=True)
    (bottom, top), (deeper, _) = near.axis(table)["range"], far.axis(table)["range"]
    assert near.level(table, 5.0) - near.level(table, 0.0) == pytest.approx(5.0 if height == "lost" else -5.0)
    assert (bottom > top) == (height == "lost")
    assert abs(deeper - top) > abs(bottom - top)
    assert tradeoff.below_view(table, near) == tradeoff.below_view(table, far) > 0
    assert far.in_view(table).all()
    assert len(near.axis(table)["tickvals"]) <= 9


def test_the_picture_shows_what_plotly_will(table: pd.DataFrame) -> None:
    figure = drawn(table)
    markdown = tradeoff.picture(figure, "what [it] shows")
    words, _, rest = markdown.partition("](data:image/svg+xml;base64,")
    svg = b64decode(rest.removesuffix(")")).decode()
    ElementTree.fromstring(svg)
    visible = tradeoff.View("lost", 1.0).in_view(table)[(table["milliseconds"] > 0).to_numpy()].sum()
    assert svg.count("<circle") + svg.count("<polygon") == visible
    assert words == "![what (it) shows"
    assert "1 point lost" in svg
    assert LIGHT.passes in svg
    assert len(re.findall("<text x='0' .* text-anchor='end'", svg.replace("<text", "\n<text"))) > 3


def test_a_zoom_is_drawn_again_and_a_double_click_shows_all(table: pd.DataFrame) -> None:
    figure = drawn(table)
    told = {"dragmode": "zoom", "x": [0.2, 0.7], "y": [1.5, 0.5]}
    layout = go.Figure(tradeoff.handled(figure, "a view", tradeoff.Zoom.heard(told), 0)).layout
    assert (layout.dragmode, layout.xaxis.range, layout.yaxis.range) == ("zoom", (0.2, 0.7), (1.5, 0.5))
    assert len([tick for tick in layout.yaxis.tickvals if 0.5 <= tick <= 1.5]) > 2
    whole = figure["layout"]["yaxis"]["range"]
    assert sorted(layout.yaxis.autorangeoptions.include) == pytest.approx(sorted(whole))
    low, high = figure["layout"]["xaxis"]["range"]
    assert layout.xaxis.autorangeoptions.clipmin == pytest.approx(10**low)
    assert layout.xaxis.autorangeoptions.clipmax == pytest.approx(10**high)


@pytest.mark.parametrize("told", [{}, {"x": [1], "y": "no"}, {"x": [1, 1], "y": [None, 2]}, {"x": [0, float("inf")]}])
def test_a_zoom_that_makes_no_sense_is_none(table: pd.DataFrame, told: dict) -> None:
    figure = drawn(table)
    layout = tradeoff.handled(figure, "a view", tradeoff.Zoom.heard(told), 0)["layout"]
    assert (layout["xaxis"]["range"], layout["dragmode"]) == (figure["layout"]["xaxis"]["range"], "pan")


@pytest.mark.parametrize("height", tradeoff.HEIGHTS)
def test_a_dropped_line_says_the_points_that_it_was_drawn_at(table: pd.DataFrame, height: str) -> None:
    view = tradeoff.View(height, 1.0)
    assert view.lost_at(table, view.level(table, 2.3)) == pytest.approx(2.3)
