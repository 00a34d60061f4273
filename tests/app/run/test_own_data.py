"""Own images in the app: unpacked with care, their split told, and no job started that could not end well."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.run import data_check, forms, import_form
from lambda_core.config import MetaTrainConfig, SweepConfig
from lambda_core.data import import_folder, load_dataset
from lambda_core.errors import DataError
from lambda_core.jobs import JobError
from lambda_core.studies import Study
from tests.support.synthetic import write_study


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(*names: str) -> zipfile.ZipFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in names:
            packed.writestr(name, picture())
    return zipfile.ZipFile(buffer)


def test_only_images_inside_come_out_of_a_zip(tmp_path: Path) -> None:
    inside = ["mine/cat/1.png", "mine/dog/2.PNG"]
    outside = ["../evil.png", "/evil.png", "mine/cat/run.sh", "__MACOSX/mine/cat/1.png", "mine/.hidden/3.png"]
    folder = tmp_path / "out"
    folder.mkdir()
    import_form.unpack(zipped(*inside, *outside), folder)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == set(inside)
    assert not (tmp_path / "evil.png").exists()
    assert import_form.home(folder) == folder / "mine"


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_form, "MOST_FILES", 1)
    with pytest.raises(DataError, match="too large"):
        import_form.unpack(zipped("a/1.png", "a/2.png"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_eight_classes_are_told_to_be_too_few_for_five_ways(tmp_path: Path) -> None:
    for name in "abcdefgh":
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(6):
            (tmp_path / "in" / name / f"{number}.png").write_bytes(picture())
    import_folder(tmp_path / "in", "mine", tmp_path)
    data = load_dataset("mine", tmp_path)
    assert "4 to train, 2 to validate, 2 to test, so at most 2-way" in data_check.split_words(data)
    with pytest.raises(JobError, match="set ways to 2 or less"):
        data_check.check_fits(data, MetaTrainConfig(dataset="mine", ways=5))
    with pytest.raises(JobError, match="set queries to 5 or less"):
        data_check.check_fits(data, MetaTrainConfig(dataset="mine", ways=2, shots=1, queries=15))
    data_check.check_fits(data, MetaTrainConfig(dataset="mine", ways=2, shots=1, queries=5))
    with pytest.raises(JobError, match=r"2 to validate, 2 to test: bring a zip .* or take a model of fewer ways"):
        data_check.check_sweep_fits(data, MetaTrainConfig(dataset="other", ways=5), SweepConfig(queries=5))
    with pytest.raises(JobError, match="set queries to 5 or less"):
        data_check.check_sweep_fits(data, MetaTrainConfig(dataset="other", ways=2, shots=1), SweepConfig(queries=15))
    with pytest.raises(JobError, match="a model of fewer shots"):
        data_check.check_sweep_fits(data, MetaTrainConfig(dataset="other", ways=2, shots=6), SweepConfig(queries=1))
    data_check.check_sweep_fits(data, MetaTrainConfig(dataset="other", ways=2, shots=1), SweepConfig(queries=5))


@pytest.mark.parametrize(
    ("made", "needs"), [({"measured": False}, "sweep"), ({"max_steps": 3}, "sweep"), ({"max_steps": 5}, None)]
)
def test_a_finished_job_offers_what_the_study_needs_next(tmp_path: Path, made: dict, needs: str | None) -> None:
    assert forms.next_work(Study.load(write_study(tmp_path, "one-5w1s", episodes=10, **made))) == needs
