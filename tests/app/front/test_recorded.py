"""A lane says what the tables say, and computes what the plan computes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from app.front.recorded import Lane, record, typical_first
from lambda_core.patterns import LambdaPattern, plan_adaptation
from lambda_core.studies import Study
from tests.support.synthetic import LAYER_COSTS


def lane_of(study: Study, table: pd.DataFrame, pattern: str, steps: int) -> Lane | None:
    parsed = LambdaPattern.parse(pattern, 5)
    return record(study.scores("test"), table, parsed, steps, study.config.lr, LAYER_COSTS)


@pytest.mark.parametrize(("pattern", "steps"), [("11111", 5), ("00001", 3), ("01010", 2)])
def test_a_lane_is_what_was_measured(study: Study, table: pd.DataFrame, pattern: str, steps: int) -> None:
    lane = lane_of(study, table, pattern, steps)
    assert lane is not None
    test = study.split("test")
    for step in range(1, steps + 1):
        rows = test[(test["pattern"] == pattern) & (test["steps"] == step)].sort_values("episode")
        assert lane.accuracy[:, step] == pytest.approx(rows["accuracy"].to_numpy())
    assert lane.accuracy[:, 0] == pytest.approx(test[test["steps"] == 0].sort_values("episode")["accuracy"].to_numpy())
    ends = table[(table["pattern"] == pattern) & (table["steps"] == steps)]["milliseconds"].item()
    assert lane.milliseconds[-1] == pytest.approx(ends, rel=0.1)
    assert (np.diff(lane.milliseconds) >= 0).all()


def test_a_step_shows_every_layer_that_the_plan_computes(study: Study, table: pd.DataFrame) -> None:
    lane = lane_of(study, table, "00101", 3)
    assert lane is not None
    cells = plan_adaptation(lane.pattern, 3, LAYER_COSTS).cells
    for phases, row in zip(lane.phases, cells, strict=True):
        assert {layer for layer, kind, _ in phases if kind == "forward"} == {
            layer for layer, cell in enumerate(row) if cell.forward == "computed"
        }
        assert [layer for layer, kind, _ in phases if kind == "backward"] == [4, 3, 2]
        assert sum(share for *_, share in phases) == pytest.approx(1)


def test_what_was_not_measured_has_no_lane(study: Study, table: pd.DataFrame) -> None:
    assert lane_of(study, table, "11111/00001", 3) is None
    assert lane_of(study, table, "11111", 11) is None


def test_no_adaptation_is_a_lane_of_no_time(study: Study, table: pd.DataFrame) -> None:
    lane = lane_of(study, table, "00000", 5)
    assert lane is not None
    assert (lane.steps, lane.milliseconds.tolist(), lane.phases) == (0, [0.0], [])


def test_a_typical_episode_comes_first() -> None:
    ends = np.array([[0.2, 1.0], [0.2, 0.6], [0.2, 0.3]])
    lane = Lane(LambdaPattern.full(2), np.array([0.0, 1.0]), ends, [[]])
    assert typical_first([lane, lane]) == [1, 2, 0]
