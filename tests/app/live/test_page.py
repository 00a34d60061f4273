"""Live: episodes, two patterns, the player."""

from __future__ import annotations

import gc
import re
from pathlib import Path

import pytest

from app.live import episode_source, likeness
from app.shared.url_fields import format_value
from lambda_core.adaptation.tracing import trace
from lambda_core.data import load_dataset
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.studies import list_studies
from lambda_core.studies.study import Study
from tests.app.conftest import APP, Open, checked, param, said
from tests.support.synthetic import write_study


def scores(app: object) -> list[str]:
    return re.findall(r"(\d+ of \d+ right after \d+ steps?)", said(app))


def test_shows_what_the_engine_traces(open_page: Open, studies: Path, images: Path) -> None:
    app = open_page("live", seed="3", pattern="00011", steps="4")
    study = Study.load(studies / "cifar-fs-5w1s")
    episode = EpisodeBank(load_dataset("cifar-fs", images), "test", 5, 1, 15, 3)[0]
    expected = []
    for text in ("00011", "11111"):
        found = trace(study.model(), episode, LambdaPattern.parse(text, 5), 4, study.config.lr)
        expected.append(f"{round(found.states[-1].accuracy * 75)} of 75 right after 4 steps")
    assert scores(app) == expected


def test_step_slider_looks_at_earlier_steps(open_page: Open) -> None:
    app = open_page("live", at="0")
    before = scores(app)
    assert all(score.endswith("after 0 steps") for score in before)
    assert len(set(before)) == 1  # nothing is adapted yet: both patterns are alike
    checked(app.slider(key="at-control").set_value(2).run())
    assert param(app, "at") == "2"


@pytest.mark.parametrize(("label", "at"), [("Start over", 0), ("Next step", 3), ("Play", 2)])
def test_player_buttons(open_page: Open, label: str, at: int) -> None:
    app = open_page("live", at="2")
    checked(next(button for button in app.button if button.label == label).click().run())
    assert f"after {at} step" in scores(app)[0]


def test_play_starts_where_nothing_is_adapted_yet(open_page: Open) -> None:
    app = open_page("live", steps="5")
    assert "after 5 steps" in scores(app)[0]
    checked(next(button for button in app.button if button.label == "Play").click().run())
    assert "after 0 steps" in scores(app)[0]  # its clock makes the steps: see the browser test


@pytest.mark.parametrize("address", [{"at": "77"}, {"at": "3", "steps": "2"}, {"at": "100", "steps": "100"}])
def test_a_step_beyond_the_last_is_the_last(open_page: Open, address: dict) -> None:
    app = open_page("live", **address)
    steps = app.slider(key="steps-control").value
    assert all(score.endswith(f"after {steps} steps") for score in scores(app))
    assert len(scores(app)) == 2


def test_a_study_of_many_steps_opens(open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study(tmp_path, "long-5w1s", episodes=20, max_steps=25, steps=25)
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    assert "after 25 steps" in scores(open_page("live"))[0]


def test_new_episode(open_page: Open) -> None:
    app = open_page("live")
    checked(next(button for button in app.button if button.label == "New episode").click().run())
    assert param(app, "seed") == "8"


def test_classes_by_hand(open_page: Open) -> None:
    app = open_page("live")
    numbers = [6, 0, 3, 1, 2]
    checked(app.multiselect(key="classes-control").set_value(numbers).run())
    assert param(app, "classes") == "6,0,3,1,2"
    checked(app.multiselect(key="classes-control").set_value(numbers[:3]).run())
    assert "2 more; until then the seed picks" in said(app)


@pytest.mark.parametrize("split", ["val", "train"])
def test_other_splits(open_page: Open, split: str) -> None:
    assert scores(open_page("live", split=split))


def test_both_patterns_have_their_own_toggles(open_page: Open) -> None:
    app = open_page("live")
    checked(app.button_group(key="against-row-0").set_value(["head"]).run())
    checked(app.button_group(key="pattern-row-0").set_value(["conv1"]).run())
    assert (param(app, "against"), param(app, "pattern")) == ("00001", "10000")


def test_scale_and_shift_alone_run_as_the_engine_traces_them(open_page: Open, studies: Path, images: Path) -> None:
    app = open_page("live", seed="3", pattern="nnnn1", against="nnnn1", steps="4")
    checked(app.button_group(key="pattern-state-0-conv1").set_value("0").run())
    assert (param(app, "pattern"), param(app, "against")) == ("0nnn1", "nnnn1")
    study = Study.load(studies / "cifar-fs-5w1s")
    episode = EpisodeBank(load_dataset("cifar-fs", images), "test", 5, 1, 15, 3)[0]
    expected = []
    for text in ("0nnn1", "nnnn1"):
        found = trace(study.model(), episode, LambdaPattern.parse(text, 5), 4, study.config.lr)
        expected.append(f"{round(found.states[-1].accuracy * 75)} of 75 right after 4 steps")
    assert scores(app) == expected


@pytest.mark.parametrize(
    ("address", "notice"),
    [
        ({"data": "fc100"}, "fc100 is not at hand"),
        ({"data": "Not A Name"}, "should be the name of a data set"),
        ({"seed": "-3"}, "should be a whole number"),
        ({"against": "11"}, "2 digits for 5 layers"),
        ({"classes": "a,b"}, "should be class numbers"),
        ({"split": "all"}, "should be one of"),
    ],
)
def test_damaged_address(open_page: Open, address: dict, notice: str) -> None:
    app = open_page("live", **address)
    assert any(notice in warning.value for warning in app.warning)
    assert scores(app)


@pytest.mark.parametrize("numbers", ["99,98,97,96,95", "0,0,1,2,3", "0,1"])
def test_class_numbers_that_fit_nothing_leave_it_to_the_seed(open_page: Open, numbers: str) -> None:
    assert scores(open_page("live", classes=numbers)) == scores(open_page("live"))


def test_another_data_set_is_fitted_to_the_network(open_page: Open) -> None:
    assert scores(open_page("live", data="glyphs"))


def test_a_page_that_ends_early_still_writes_its_address(open_page: Open) -> None:
    app = open_page("live", study="sinusoid-is-not-here", source="images")
    assert param(app, "study") is None
    assert param(app, "source") == "images"


def test_a_head_that_was_learned_keeps_its_number_of_classes(open_page: Open) -> None:
    app = open_page("live", study="cifar-fs-5w1s", source="images", ways="3")
    assert any("learned for 5 ways, so it cannot serve 3. Shown instead: 5" in each.value for each in app.info)
    assert "Give each of 5 classes a name" in said(app)


def test_images_of_another_kind_are_told_from_the_models_own(open_page: Open) -> None:
    told = [each.value for each in open_page("live", study="cifar-fs-5w1s", data="glyphs").info]
    assert any("measured on cifar-fs; you are looking at glyphs" in text for text in told)
    assert not open_page("live", study="glyphs-5w1s").info


def test_who_asks_for_no_study_gets_one_whose_images_are_at_hand(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, dataset in (("cifar-fs-5w1s", "fc100"), ("other-5w1s", "cifar-fs")):
        write_study(tmp_path, name, episodes=20, max_steps=2, dataset=dataset)
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    assert open_page("explore").selectbox(key="study-control").value == "cifar-fs-5w1s"
    assert open_page("live").selectbox(key="study-control").value == "other-5w1s"


def test_a_study_on_the_images_of_its_training_is_preferred() -> None:
    shipped = list_studies(APP.parent / "cached_results")[0]
    assert [study.name for study in shipped if episode_source.at_home(study, ["glyphs"])] == ["glyphs-5w1s"]
    assert any(study.dataset == "glyphs" and study.name != "glyphs-5w1s" for study in shipped)


def test_what_imports_made_is_out_of_the_collectors_sight(open_page: Open) -> None:
    """Streamlit collects garbage after every run; looking at torch's objects each time would take most of a run."""
    open_page("live")
    assert len(gc.get_objects()) < gc.get_freeze_count()


def test_images_that_look_unlike_are_named() -> None:
    study, glyphs = Study.load("glyphs-5w1s"), load_dataset("glyphs")
    assert likeness.unlike(study, glyphs) is None
    assert "as if dark and light were swapped" in str(likeness.unlike(study, glyphs.fitted(28, 1, inverted=True)))


def test_dark_and_light_are_swapped_where_asked(open_page: Open) -> None:
    app = open_page("live", study="glyphs-5w1s")
    before = scores(app)
    checked(app.toggle(key="swapped-control").set_value(True).run())
    assert param(app, "swapped") == format_value(True)
    assert scores(app) != before
