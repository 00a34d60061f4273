"""Studies of networks of the user's own: deep ones of which some patterns were measured, and ones that need code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.studies import Study
from lambda_core.workflows import start_study, sweep_study, time_study
from tests.app.conftest import Open, said
from tests.support.own_networks import was_imported, write_networks
from tests.support.synthetic import write_study

NETWORKS = "networks_of_the_app"
DEEP, CODE = "deep-5w1s", "code-5w1s"


@pytest.fixture(scope="module")
def own_studies(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """One of 14 layers, its last ones swept and timed, and one whose network its own code makes."""
    root = write_networks(tmp_path_factory.mktemp("own"), NETWORKS)
    sys.path.insert(0, str(root))
    try:
        for name, function in ((DEEP, "deep"), (CODE, "with_code")):
            reference = f"{NETWORKS}:{function}"
            config = MetaTrainConfig(dataset="cifar-fs", backbone=reference, queries=3, steps=2)
            study = start_study(config, root / name, head="zero", root=str(images)).with_code(reference)
            sweep = SweepConfig(episodes=6, queries=3, max_steps=2, patterns="tails")
            study = sweep_study(study, sweep, root=str(images)).with_code(reference)
            time_study(study, TimingConfig(repeats=3), root=str(images))
    finally:
        sys.path.remove(str(root))
        sys.modules.pop(NETWORKS)
        (root / "imported").unlink()
    return root


@pytest.fixture
def opened(open_page: Open, own_studies: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("LAMBDA_STUDIES", str(own_studies))
    return open_page


@pytest.mark.parametrize("name", [DEEP, CODE])
@pytest.mark.parametrize("page", ["explore", "run", "about"])
def test_every_page_opens_without_the_code(opened: Open, own_studies: Path, page: str, name: str) -> None:
    assert not opened(page, study=name).error
    assert not was_imported(own_studies)


@pytest.mark.parametrize("scene", ["2", "3", "4", "5"])
def test_learn_tells_its_story_of_studies_with_all_patterns(opened: Open, scene: str) -> None:
    write_study(Path(os.environ["LAMBDA_STUDIES"]), "whole-5w1s", episodes=10)
    app = opened("learn", scene=scene, study=DEEP)
    assert not app.error
    assert "deep" not in said(app)


@pytest.mark.parametrize("view", ["heat", "differences", "first", "transfer"])
def test_compare_sets_them_side_by_side(opened: Open, view: str) -> None:
    assert not opened("compare", studies=f"{DEEP},{CODE}", view=view).error


def test_live_adapts_a_network_of_known_modules(opened: Open, own_studies: Path) -> None:
    app = opened("live", study=DEEP)
    assert not app.error
    assert "right after" in said(app)
    assert not was_imported(own_studies)


def test_live_takes_own_images_of_another_number_of_classes(opened: Open) -> None:
    app = opened("live", study=DEEP, source="images", ways="3")
    assert not app.error
    assert "Give each of 3 classes a name" in said(app)
    assert [each.label for each in app.text_input if each.label.startswith("Class ")] == [
        "Class 1",
        "Class 2",
        "Class 3",
    ]


def test_live_says_which_command_needs_the_code(opened: Open, own_studies: Path) -> None:
    app = opened("live", study=CODE)
    assert f"--backbone {NETWORKS}:with_code" in app.error[0].value
    assert not was_imported(own_studies)


def test_they_are_sound_and_titled(own_studies: Path) -> None:
    assert [Study.load(own_studies / name).title.split(" · ")[-1] for name in (DEEP, CODE)] == ["deep", "with_code"]
