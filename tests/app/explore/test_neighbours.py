"""From candidate to candidate along the front, and from the table into the figure, without a pointer."""

from __future__ import annotations

import pandas as pd

from app.explore import neighbours
from app.explore.tabs import candidates_tab
from tests.app.conftest import Open, checked, param


def test_the_neighbours_are_the_next_on_the_front(table: pd.DataFrame) -> None:
    costs = sorted(table.loc[table["on_front"], "milliseconds"])
    for number, cost in enumerate(costs):
        faster, slower = neighbours.on_either_side(table, cost, "milliseconds")
        assert (None if faster is None else faster["milliseconds"]) == (costs[number - 1] if number else None)
        assert (None if slower is None else slower["milliseconds"]) == (costs[number + 1] if cost < costs[-1] else None)


def test_a_button_makes_the_next_one_current_and_the_other_leads_back(open_page: Open) -> None:
    app = open_page()
    button = {label: next(each for each in app.button if each.label == label) for label in ("Faster", "Slower")}
    checked(button["Slower"].click().run())
    there = (param(app, "pattern"), param(app, "steps"))
    assert there != (None, None)
    checked(next(each for each in app.button if each.label == "Slower").click().run())
    checked(next(each for each in app.button if each.label == "Faster").click().run())
    assert (param(app, "pattern"), param(app, "steps")) == there


def test_the_row_of_the_current_candidate_is_selected(open_page: Open) -> None:
    app = open_page(tab="table", pattern="01110", steps="3")
    (row,) = app.session_state[candidates_tab.KEY]["selection"]["rows"]
    shown = app.dataframe[0].value.iloc[row]
    assert (shown["pattern"], shown["steps"]) == ("01110", 3)
    checked(app.text_input(key="contains-control").set_value("00001").run())
    assert app.session_state[candidates_tab.KEY]["selection"]["rows"] == []
