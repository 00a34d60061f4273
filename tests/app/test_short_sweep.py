"""A study that was swept for fewer steps than it takes: every page says so, and no other study suffers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_core.config import SweepConfig
from lambda_core.errors import StudyError
from lambda_core.studies import Study
from tests.app.conftest import Open, said
from tests.support.synthetic import write_study


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, studies: Path) -> Study:  # noqa: ARG001 (`open_page` sets its own)
    """A study of 5 steps swept for 3, beside a healthy one."""
    write_study(tmp_path, "good-5w1s", episodes=20, max_steps=6)
    folder = write_study(tmp_path, "short-5w1s", episodes=20, max_steps=3)
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    return Study.load(folder)


@pytest.fixture
def opened(open_page: Open, short: Study, monkeypatch: pytest.MonkeyPatch) -> Open:
    """`open_page` over those two."""
    monkeypatch.setenv("LAMBDA_STUDIES", str(short.folder.parent))
    return open_page


def test_explore_says_how_to_sweep_it(opened: Open, short: Study) -> None:
    app = opened(study="short-5w1s")
    assert f"lambda-core sweep {short.folder} --max-steps 5" in said(app)
    assert not app.error


@pytest.mark.parametrize("view", ["heat", "differences", "first", "transfer"])
def test_compare_leaves_it_out_with_a_word(opened: Open, view: str) -> None:
    app = opened("compare", studies="short-5w1s,good-5w1s", view=view)
    assert not app.error
    assert "short-5w1s was swept for at most 3 steps" in app.warning[0].value
    assert app.multiselect(key="studies-control").value == ["good-5w1s"]


@pytest.mark.parametrize("scene", ["2", "3", "4", "5"])
def test_learn_takes_another(opened: Open, scene: str) -> None:
    assert not opened("learn", scene=scene, study="short-5w1s").error


def test_live_adapts_it(opened: Open) -> None:
    app = opened("live", study="short-5w1s")
    assert not app.error
    assert "right after 5 steps" in said(app)


def test_a_sweep_that_leaves_out_the_reference_is_refused(short: Study) -> None:
    with pytest.raises(StudyError, match="set max steps to 5 or more"):
        short.check_sweep(SweepConfig(max_steps=4))
    short.check_sweep(SweepConfig(max_steps=5))
