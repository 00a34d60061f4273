"""The app's selection is the library's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from app.shared import selection_cache, study_cache
from lambda_core.analysis import choose, default_condition
from lambda_core.commands.main import main
from lambda_core.selection import SelectionSettings, sentence
from lambda_core.studies import Study
from lambda_core.studies.tables import write_table
from tests.app.conftest import Open, headline


@pytest.fixture
def two_devices(studies: Path, tmp_path: Path) -> Study:
    """A study timed on a GPU once, in its first rows, and on a CPU more often: there, other patterns are fast."""
    folder = Path(shutil.copytree(studies / "cifar-fs-5w1s", tmp_path / "two-devices"))
    cpu = Study.load(folder).timing
    once = cpu.drop_duplicates(["pattern", "steps"])
    # on this GPU all patterns take the time of their steps: only fewer steps are faster
    gpu = once.assign(device="cuda", milliseconds=once["steps"].astype("float32"))
    write_table(folder, "timing", pd.concat([gpu, cpu], ignore_index=True))
    return Study.load(folder)


@pytest.mark.parametrize("settings", [SelectionSettings(), SelectionSettings(3.0, 0.9), SelectionSettings(any_lr=True)])
def test_it_chooses_what_the_library_chooses(study: Study, settings: SelectionSettings) -> None:
    (ours, seen), (expected, confirmed) = selection_cache.choose(study, settings), choose(study, settings)
    assert (ours.as_dict(), seen) == (expected.as_dict(), confirmed)


def test_a_study_timed_on_two_devices_gets_one_choice_everywhere(
    two_devices: Study, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert two_devices.timing["device"].iloc[0] == "cuda"
    assert list(study_cache.conditions(two_devices)) == ["cpu-1", "cuda-1"]
    assert default_condition(two_devices).key == "cpu-1"
    choice, confirmation = choose(two_devices, SelectionSettings())
    words = sentence(choice, confirmation, two_devices.layers)
    app = open_page()
    monkeypatch.setenv("LAMBDA_STUDIES", str(two_devices.folder.parent))
    assert headline(app.run()) == words
    told = CliRunner().invoke(main, ["select", str(two_devices.folder), "--threshold", "1"]).output
    assert words in " ".join(told.split())
    app.query_params["timing"] = "cuda-1"
    assert headline(app.run()) != words


def test_the_curve_is_the_same_at_every_threshold(study: Study) -> None:
    one, two = (selection_cache.best_speed_ups(study, SelectionSettings(threshold)) for threshold in (0.5, 2.0))
    assert one is two


def test_a_choice_says_for_whom_it_holds(study: Study) -> None:
    said = selection_cache.reach(study, SelectionSettings())
    assert next(iter(said)) == "For new episodes of these classes"
    assert "points lost" in said["For new episodes of these classes"]
    assert "one machine only" in said["Machines"]
