"""Compare: every part opens, says what the engine says, and takes its controls."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_core.analysis.transfer import transfer_table
from lambda_core.formatting import number
from lambda_core.selection import SelectionSettings
from lambda_core.studies.study import Study
from tests.app.conftest import Open, checked, param
from tests.support.synthetic import write_study


@pytest.mark.parametrize("view", ["heat", "differences", "between", "first", "transfer"])
def test_every_view(open_page: Open, view: str) -> None:
    app = open_page("compare", view=view, studies="cifar-fs-5w1s,lr-5w1s", steps="2")
    assert not app.warning
    assert len(app.dataframe) == (view in ("first", "transfer"))


def test_studies_that_share_no_episodes_are_told_and_the_profile_is_there(open_page: Open) -> None:
    app = open_page("compare", view="between", studies="cifar-fs-5w1s,lr-5w1s")
    assert "share their test episodes" in app.info[-1].value
    assert any("studies lose how much" in each.value for each in app.markdown)


def test_opens_on_two_studies_of_different_data(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, dataset in (("one-5w1s", "cifar-fs"), ("two-5w1s", "cifar-fs"), ("zoo-5w1s", "glyphs")):
        write_study(tmp_path, name, episodes=20, max_steps=5, dataset=dataset)
    app = open_page("compare")  # the studies of `studies` are all of one data set
    assert app.multiselect(key="studies-control").value == ["cifar-fs-5w1s", "lr-5w1s"]
    monkeypatch.setenv("LAMBDA_STUDIES", str(tmp_path))
    assert checked(app.run()).multiselect(key="studies-control").value == ["one-5w1s", "zoo-5w1s"]


def test_shades(open_page: Open) -> None:
    app = open_page("compare")
    checked(app.button_group(key="shade-control").set_value("speed_up").run())
    assert param(app, "shade") == "speed_up"


def test_leaves_out_unknown_studies(open_page: Open) -> None:
    app = open_page("compare", studies="cifar-fs-5w1s,gone")
    assert "gone" in app.warning[0].value
    assert param(app, "studies") == "cifar-fs-5w1s"


def test_transfer_says_what_the_command_line_says(open_page: Open, studies: Path) -> None:
    names = ["cifar-fs-5w1s", "lr-5w1s"]
    shown = open_page("compare", view="transfer", studies=",".join(names), threshold="3").dataframe[0].value
    rows = transfer_table([Study.load(studies / name) for name in names], SelectionSettings(3.0))
    for row in rows[rows["split"] == "test"].itertuples():
        cell = shown.set_index("Chosen on").loc[row.chosen_on, f"On {row.judged_on}"]
        assert cell.startswith(row.verdict)
        assert row.verdict == "not measured" or number(row.degradation) in cell
