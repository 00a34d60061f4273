"""What may not be read or written is told in a sentence that names it; nothing changes, and others stay usable."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.fork_server import ForkServer
from tests.faults.kills import WORKS, KillHarness, contents, works
from tests.faults.permissions import taken

DENIED = "Permission denied"


@pytest.fixture(scope="module")
def harness(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> KillHarness:
    return KillHarness(server, tmp_path_factory.mktemp("permissions"))


def run(harness: KillHarness, argv: str, folder: Path) -> tuple[int, str]:
    places = {"LAMBDA_DATA": str(folder / "data"), "LAMBDA_STUDIES": str(folder), "LAMBDA_TEST_BOUND": "1"}
    outcome = harness.server.run(argv.split(), folder, **places)
    assert not outcome.hung
    assert "Traceback" not in outcome.output
    return outcome.code, outcome.output


@pytest.mark.parametrize("name", [name for name in works() if "pieces" not in name and "processes" not in name])
def test_where_nothing_may_be_written_that_is_told(harness: KillHarness, name: str, tmp_path: Path) -> None:
    work = Path(shutil.copytree(harness.folder(WORKS[name].start), tmp_path / "work"))
    (work / "data").mkdir(exist_ok=True)
    before = contents(work)
    with taken(work, *(path for path in sorted(work.rglob("*")) if path.is_dir()), mode=0o555):
        code, output = run(harness, WORKS[name].argv, work)
    assert (code, DENIED in output) == (2, True), output
    assert contents(work) == before


TIMED = ["study.json", "weights.safetensors", "accuracy.parquet", "timing.parquet", "training.parquet", "."]


@pytest.fixture
def two(harness: KillHarness, tmp_path: Path) -> Path:
    """Two timed studies, mine and other."""
    work = Path(shutil.copytree(harness.folder("timed"), tmp_path / "work"))
    shutil.copytree(work / "mine", work / "other")
    return work


@pytest.mark.parametrize("file", TIMED)
def test_a_study_that_may_not_be_read_is_named_and_others_stay(harness: KillHarness, file: str, two: Path) -> None:
    with taken(two / "mine" / file):
        code, output = run(harness, "time mine --anyway", two)
        assert (code, DENIED in output, "mine" in output) == (2, True, True), output
        code, output = run(harness, "report --all", two)
        assert "other" in output, output
        assert DENIED in output, output
        code, output = run(harness, "select other --threshold 50", two)
        assert code in (0, 1), output


@pytest.mark.parametrize("file", ["dataset.json", "images.npy", "labels.npy", "."])
def test_a_data_set_that_may_not_be_read_is_named(harness: KillHarness, file: str, two: Path) -> None:
    with taken(two / "data" / "tiny" / file):
        code, output = run(harness, "sweep mine --episodes 2 --queries 2", two)
        assert (code, DENIED in output, "tiny" in output) == (2, True, True), output
        code, output = run(harness, "data list", two)
        assert code == 0, output
        assert "glyphs" in output
