"""Explore: the sentence, the controls, both ways into a pattern, and what a damaged address does."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from lambda_core.selection.choice import confirm
from lambda_core.selection.comparison import select_pattern
from lambda_core.selection.search_verdicts import dominating
from lambda_core.selection.sentences import sentence
from lambda_core.studies.study import Study
from tests.app.conftest import APP, Open, checked, headline, param, said

TABS = ["budget", "first", "table", "steps", "take", "training", "how"]


def expected(studies: Path, threshold: float, confidence: float = 0.95) -> str:
    study = Study.load(studies / "cifar-fs-5w1s")
    val, test = (study.accuracy[study.accuracy["split"] == split] for split in ("val", "test"))
    choice = select_pattern(val, study.timing, study.config.steps, threshold, confidence)
    return sentence(choice, confirm(choice, test), study.layers)


def test_says_what_the_engine_selects(open_page: Open, studies: Path) -> None:
    assert headline(open_page()) == expected(studies, 1.0)


@pytest.mark.parametrize("threshold", [0.0, 0.7, 5.0])
def test_threshold_changes_sentence_and_address(open_page: Open, studies: Path, threshold: float) -> None:
    app = open_page()
    checked(app.slider(key="threshold-control").set_value(threshold).run())
    assert headline(app) == expected(studies, threshold)
    assert param(app, "threshold") == f"{threshold:g}"


def test_confidence_and_axis_are_settings(open_page: Open, studies: Path) -> None:
    app = open_page(confidence="0.8")
    assert headline(app) == expected(studies, 1.0, 0.8)
    assert "fewer multiply-adds" in headline(open_page(axis="multiply_adds"))


def test_layer_toggles_make_the_current_pattern(open_page: Open) -> None:
    app = open_page()
    checked(app.button_group(key="pattern-row-0").set_value(["conv4", "head"]).run())
    assert "conv4 and head" in said(app)
    assert param(app, "pattern") == "00011"


@pytest.mark.parametrize(("label", "text"), [("MAML", "11111"), ("ANIL", "00001"), ("BOIL", "11110")])
def test_presets(open_page: Open, label: str, text: str) -> None:
    app = open_page()
    checked(app.button(key=f"pattern-{label}").click().run())
    assert app.text_input(key="pattern-text").value == text


def test_chosen_leads_back(open_page: Open) -> None:
    app = open_page(pattern="11100", steps="2")
    checked(app.button(key="pattern-Chosen").click().run())
    assert param(app, "pattern") is None
    assert param(app, "steps") is None


def test_by_step_opens_a_row_a_step(open_page: Open) -> None:
    app = open_page(pattern="00001", steps="3")
    checked(app.toggle(key="pattern-grid").set_value(True).run())
    checked(app.button_group(key="pattern-row-0").set_value(["conv1", "conv2", "conv3", "conv4", "head"]).run())
    assert param(app, "pattern") == "11111/00001"
    assert "was not measured" in said(app)
    checked(app.toggle(key="pattern-grid").set_value(False).run())
    assert param(app, "pattern") == "11111"


@pytest.mark.parametrize("text", ["0000", "00201", "", "1/1", "<b>", "anal"])
def test_wrong_pattern_text_gets_one_sentence(open_page: Open, text: str) -> None:
    app = open_page()
    checked(app.text_input(key="pattern-text").set_value(text).run())
    assert len(app.error) == 1
    assert "write for example 00001" in app.error[0].value


@pytest.mark.parametrize("text", ["11111/00011/00001", "anil", " BOIL "])
def test_right_pattern_text_is_taken(open_page: Open, text: str) -> None:
    app = open_page()
    checked(app.text_input(key="pattern-text").set_value(text).run())
    assert not app.error


@pytest.mark.parametrize("steps", [0, 1, 10])
def test_step_counts(open_page: Open, steps: int) -> None:
    app = open_page(pattern="00111", steps=str(steps))
    assert app.slider(key="steps-control").value == steps
    assert "was not measured" not in said(app)


@pytest.mark.parametrize(
    ("address", "notice"),
    [
        ({"threshold": "much"}, "should be a number from 0 to 5"),
        ({"threshold": "nan"}, "should be a number from 0 to 5"),
        ({"threshold": "99"}, "should be a number from 0 to 5"),
        ({"confidence": "0.42"}, "should be one of"),
        ({"pattern": "012"}, "should be a pattern"),
        ({"pattern": "0101"}, "4 digits for 5 layers"),
        ({"steps": "77"}, "at most 10 steps"),
        ({"steps": "-1"}, "should be a whole number"),
        ({"study": "../../etc"}, "should be the name of a study"),
        ({"study": "no-such"}, "no study named “no-such”"),
        ({"timing": "cuda-1"}, "not timed on “cuda-1”"),
        ({"tab": "nothing"}, "should be one of"),
        ({"unheard": "1"}, "not known here"),
    ],
)
def test_damaged_address_falls_back_with_a_notice(open_page: Open, studies: Path, address: dict, notice: str) -> None:
    app = open_page(**address)
    assert [notice in warning.value for warning in app.warning] == [True]
    assert headline(app) == expected(studies, 1.0)
    assert not checked(app.run()).warning


def test_the_same_link_shows_the_same(open_page: Open) -> None:
    app = open_page(pattern="00011", steps="4", threshold="2.5", tab="take", show="front")
    assert app.slider(key="threshold-control").value == 2.5
    assert app.slider(key="steps-control").value == 4
    assert app.text_input(key="pattern-text").value == "00011"
    link = app.code[0].value
    for part in ("pattern=00011", "steps=4", "threshold=2.5", "tab=take", "show=front"):
        assert part in link


@pytest.mark.parametrize("tab", TABS)
def test_every_tab(open_page: Open, tab: str) -> None:
    app = open_page(tab=tab)
    shown = {"table": app.dataframe, "how": app.table, "take": app.code}.get(tab)
    assert shown is None or len(shown)


def test_table_filters(open_page: Open) -> None:
    app = open_page(tab="table")
    everything = len(app.dataframe[0].value)
    checked(app.text_input(key="contains-control").set_value("0001").run())
    assert 0 < len(app.dataframe[0].value) < everything
    checked(app.checkbox(key="front-control").set_value(True).run())
    checked(app.button_group(key="verdicts-control").set_value(["pass"]).run())
    assert (app.dataframe[0].value["verdict"] == "pass").all()
    assert (param(app, "contains"), param(app, "front"), param(app, "verdicts")) == ("0001", "1", "pass")
    linked = open_page(tab="table", contains="0001", front="1", verdicts="pass")
    assert linked.dataframe[0].value.equals(app.dataframe[0].value)


def test_take_it_with_you_holds_the_current_candidate(open_page: Open) -> None:
    app = open_page(tab="take", pattern="00111", steps="2")
    facts = json.loads(next(code.value for code in app.code if code.language == "json"))
    assert (facts["pattern"], facts["steps"], facts["layers"][-1]) == ("00111", 2, "head")
    assert facts["degradation_points"]["low"] < facts["degradation_points"]["mean"]


def test_step_sizes_are_offered_where_measured(open_page: Open) -> None:
    app = open_page(study="lr-5w1s", lrs="1", tab="table")
    assert app.dataframe[0].value["lr"].nunique() == 3
    assert open_page(study="lr-5w1s", tab="table").dataframe[0].value["lr"].nunique() == 1


def test_an_unmeasured_study_says_which_command(open_page: Open, studies: Path) -> None:
    sentence = Study.load(studies / "young-5w1s").not_measured
    assert f"lambda-core sweep {studies}/young-5w1s" in sentence
    assert sentence in said(open_page(study="young-5w1s"))


def test_no_study_says_what_to_do(open_page: Open, tmp_path: Path) -> None:
    os.environ["LAMBDA_STUDIES"] = str(tmp_path / "nowhere")  # open_page restores it

    assert "lambda-core train" in said(open_page())


def test_a_damaged_study_never_hides_the_good(open_page: Open, studies: Path, tmp_path: Path) -> None:
    shutil.copytree(studies / "cifar-fs-5w1s", tmp_path / "good")
    shutil.copytree(studies / "cifar-fs-5w1s", tmp_path / "bad")
    (tmp_path / "bad" / "timing.parquet").write_bytes(b"PAR1 not at all")
    (tmp_path / "in-training" / "checkpoint").mkdir(parents=True)
    os.environ["LAMBDA_STUDIES"] = str(tmp_path)  # open_page restores it
    app = open_page()
    assert [str(warning.value).count("bad") > 0 for warning in app.warning] == [True]
    assert headline(app).startswith("Update")


def test_patterns_that_change_from_step_to_step(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_STUDIES", str(APP.parent / "cached_results"))
    app = open_page(study="glyphs-5w1s", tab="steps")
    best = dominating(Study.load(APP.parent / "cached_results" / "glyphs-5w1s").search)
    assert len(best) >= 1
    assert f"{len(best)} patterns that change" in said(app)
    assert list(app.dataframe[0].value["Pattern"]) == [f"{pattern} × {steps}" for pattern, steps in best]
    checked(next(button for button in app.button if button.label == "Into the editor").click().run())
    assert (param(app, "pattern"), param(app, "steps")) == (best[0][0], str(best[0][1]))
    assert "was not measured" not in said(app)
    assert app.metric[0].value.endswith("×")


def test_without_a_search_its_tab_says_how_to_make_one(open_page: Open) -> None:
    assert "`lambda-core search cifar-fs-5w1s`" in said(open_page(tab="steps"))


def test_a_step_size_clicked_in_one_study_stays_there(open_page: Open) -> None:
    app = open_page(study="lr-5w1s", lrs="1", lr="0.1", pattern="00001", steps="3")
    assert "step size 0.1 (the study's own: 0.05)" in said(app)
    checked(app.selectbox(key="study-control").set_value("cifar-fs-5w1s").run())
    assert param(app, "lr") is None
    assert "was not measured with a step size of 0.7" in said(open_page(lr="0.7"))


def test_a_pattern_by_step_says_its_cost_and_where_to_go(open_page: Open) -> None:
    app = open_page(pattern="11111/00001", steps="3", grid="1")
    assert app.metric[0].value.endswith("×")
    checked(next(button for button in app.button if button.label.startswith("Take ●●●●●")).click().run())
    assert param(app, "pattern") == "11111"


def test_the_full_pattern_is_not_confirmed_against_itself(open_page: Open) -> None:
    app = open_page(threshold="0", confidence="0.99")
    if headline(app).startswith("Keep the full pattern"):
        assert "confirmed on" not in said(app)
    assert "with all layers" in said(app)


def test_memory_of_the_device(open_page: Open) -> None:
    free = open_page()
    assert "allowed" not in headline(free)
    assert "3,450 kB of the 900,000 kB allowed" in headline(open_page(memory="900000000"))
    assert "1,450 kB of the 2,500 kB allowed" in headline(open_page(memory="2500000", threshold="5"))
    tight = open_page(memory="10")
    assert headline(tight) == headline(free)
    assert any("Nothing that passes fits into" in each.value for each in tight.warning)
