"""Which address counts: one from elsewhere does, an older one of our own that was still on its way does not."""

from __future__ import annotations

import pytest

from app.shared import url_state
from tests.app.conftest import Open, checked, param


def test_an_older_address_that_comes_with_a_click_changes_nothing(open_page: Open) -> None:
    app = open_page(pattern="00001")
    checked(app.slider(key="threshold-control").set_value(2.0).run())
    del app.query_params["threshold"]  # the browser had not heard of it yet
    checked(app.slider(key="steps-control").set_value(3).run())
    assert (param(app, "threshold"), param(app, "steps"), param(app, "pattern")) == ("2", "3", "00001")


def test_an_older_address_alone_is_on_its_way_or_the_back_button(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(pattern="00001")
    checked(app.slider(key="threshold-control").set_value(2.0).run())
    del app.query_params["threshold"]
    assert param(checked(app.run()), "threshold") == "2"
    monkeypatch.setattr(url_state, "_by_back_button", lambda: True)
    del app.query_params["threshold"]
    assert param(checked(app.run()), "threshold") is None
    assert app.slider(key="threshold-control").value == 1.0


def test_an_address_from_elsewhere_counts_at_once(open_page: Open) -> None:
    app = open_page(pattern="00001")
    app.query_params["threshold"] = "3"
    assert checked(app.run()).slider(key="threshold-control").value == 3.0


def test_what_a_control_showed_before_another_changed_it_is_no_wish(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(threshold="0")
    before = app.slider(key="steps-control").value
    checked(app.slider(key="threshold-control").set_value(5.0).run())
    chosen = app.slider(key="steps-control").value
    assert chosen != before  # it follows the choice
    app.slider(key="threshold-control").set_value(4.9)
    checked(app.slider(key="steps-control").set_value(before).run())  # as a browser that had not heard of it yet
    assert (param(app, "threshold"), param(app, "steps")) == ("4.9", None)
    monkeypatch.setattr(url_state, "IN_FLIGHT", 0.0)
    checked(app.slider(key="steps-control").set_value(before).run())
    assert param(app, "steps") == str(before)
