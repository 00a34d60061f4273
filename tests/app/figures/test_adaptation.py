"""The plan of an adaptation as a figure."""

from __future__ import annotations

from app.figures import adaptation
from app.figures.palette import LIGHT
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.plan import plan_adaptation

LAYERS = ("conv1", "conv2", "conv3", "conv4", "head")


def test_plan_shows_each_cell_once() -> None:
    plan = plan_adaptation(LambdaPattern.parse("11111/00001/00000", 5), 4, [10, 20, 20, 20, 1])
    figure = adaptation.plan(plan, LAYERS, at=4, colors=LIGHT)
    signs = dict(zip(zip(figure.data[0].x, figure.data[0].y, strict=True), figure.data[0].text, strict=True))
    assert signs[1, 0] == "●"
    assert signs[2, 4] == "●"
    assert signs[3, 4] == signs[4, 0] == ""
    assert len(signs) == 4 * 5
