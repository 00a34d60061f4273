"""The front page: a race of what was recorded, the studies side by side, and older links that still lead to Explore."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.figures.palette import LIGHT
from app.front import leaderboard
from lambda_core.analysis import choose, full_accuracy, literature_for
from lambda_core.selection import Interval, SelectionSettings
from lambda_core.studies import Study
from tests.app.conftest import APP, Open, checked, headline, param, said


def board(app: AppTest) -> str:
    return next(part.proto.body for part in app.get("html") if "ll-board" in part.proto.body)


def race(app: AppTest) -> dict[str, Any]:
    """What the race plays."""
    (component,) = app.get("bidi_component")
    return json.loads(component.proto.json)


def test_says_what_it_is_and_races(open_page: Open) -> None:
    app = open_page("")
    assert app.title[0].value == "Lambda Lab"
    lanes = race(app)["lanes"]
    assert lanes[0]["title"] == "All layers (MAML), 5 steps"
    assert lanes[1]["milliseconds"][-1] < lanes[0]["milliseconds"][-1]
    assert "shown to lose at most 1 point" in lanes[1]["note"]
    assert all(0 <= right <= 75 for lane in lanes for episode in lane["right"] for right in episode)


def test_the_chosen_pattern_races_until_another_is_asked_for(open_page: Open, studies: Path) -> None:
    choice, _ = choose(Study.load(studies / "cifar-fs-5w1s"), SelectionSettings())
    assert race(open_page(""))["lanes"][1]["pattern"] == choice.pattern
    asked = race(open_page("", race="1", pattern="01110", steps="2"))["lanes"][1]
    assert (asked["pattern"], len(asked["milliseconds"]), asked["chosen"]) == ("01110", 3, choice.pattern)


def test_a_pattern_that_was_not_measured_says_so(open_page: Open) -> None:
    assert race(open_page("", race="1", pattern="11111/00001"))["lanes"][1]["milliseconds"] is None


def test_a_study_that_is_not_measured_says_what_it_lacks(open_page: Open) -> None:
    assert "lambda-core sweep" in said(open_page("", race="1", study="young-5w1s"))


def test_every_measured_study_has_a_row_that_links_to_it(open_page: Open) -> None:
    links = re.findall(r'href="explore\?study=([^"]+)"', board(open_page("")))
    assert set(links) == {"cifar-fs-5w1s", "lr-5w1s"}


def test_a_row_says_what_the_engine_says(study: Study) -> None:
    choice, seen = choose(study, SelectionSettings())
    row = leaderboard.Row(study, choice, seen, full_accuracy(study), literature_for(study))
    shown = leaderboard.table([row], LIGHT)
    assert f"<b>{choice.speed_up:.1f}×</b>" in shown or f"<b>{choice.speed_up:.2f}×</b>" in shown
    assert f"{100 * seen.reference_accuracy:.1f} ± " in shown
    assert "58.9 ± 1.9 %" in shown  # of the literature


def test_a_training_that_never_adapted_all_layers_is_said_and_its_bar_ends_in_an_arrow(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice, seen = choose(study, SelectionSettings())
    row = leaderboard.Row(study, choice, seen, full_accuracy(study), None)
    usual = leaderboard.table([row], LIGHT)
    assert "weak reference" not in usual
    assert "◂" not in usual
    monkeypatch.setattr(Study, "ends_with_all_layers", False)
    far = leaderboard.Row(study, choice, replace(seen, degradation=Interval(-10.1, -12.5, -7.8)), row.full, None)
    shown = leaderboard.table([far], LIGHT)
    assert "weak reference" in shown
    assert shown.count("◂") == 1


def test_a_name_is_no_markup(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Study, "title", "<script>")
    choice, seen = choose(study, SelectionSettings())
    row = leaderboard.Row(study, choice, seen, full_accuracy(study), None)
    assert "<script>" not in leaderboard.table([row], LIGHT)


def fresh(monkeypatch: pytest.MonkeyPatch, studies: Path, **address: str) -> AppTest:
    monkeypatch.setenv("LAMBDA_STUDIES", str(studies))
    app = AppTest.from_file(str(APP / "script.py"), default_timeout=60)
    for name, text in address.items():
        app.query_params[name] = text
    return checked(app.run())


def test_an_older_link_leads_to_explore(monkeypatch: pytest.MonkeyPatch, studies: Path) -> None:
    app = fresh(monkeypatch, studies, pattern="00011", threshold="2")
    assert "faster" in headline(app)
    assert app.text_input(key="pattern-text").value == "00011"
    assert (param(app, "threshold"), param(app, "race")) == ("2", None)


def test_its_own_address_leads_back_to_it(monkeypatch: pytest.MonkeyPatch, studies: Path) -> None:
    app = fresh(monkeypatch, studies, race="1", pattern="00011")
    assert app.title[0].value == "Lambda Lab"
    assert param(app, "race") == "1"
