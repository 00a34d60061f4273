"""A study measured on another data set: the same model and times, other images, a study of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lambda_core.adaptation.adapting import adapt
from lambda_core.commands.main import main
from lambda_core.config import TimingConfig
from lambda_core.data.dataset import ImageDataset
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.errors import DataError, StudyError
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.studies.study import Study
from lambda_core.workflows.measure import on_dataset, sweep_study, time_study
from lambda_core.workflows.train import train_study
from tests.measurement.test_resumable_sweep import SWEEP
from tests.support.tiny import tiny_dataset, write_dataset, write_tiny
from tests.training.test_meta_trainer import TINY

pytestmark = pytest.mark.slow

TIMING = TimingConfig(repeats=2)


def foreign(classes: int = 10, size: int = 24) -> ImageDataset:
    """Ten classes in colour, larger than what the network takes; none to train on."""
    data = tiny_dataset(classes, size=size, channels=3)
    half = classes // 2
    splits = {"train": (), "val": data.classes[:half], "test": data.classes[half:]}
    return ImageDataset("foreign", "noise", data.images, data.labels, data.classes, splits)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("data")
    write_dataset(foreign(), root)
    return str(write_tiny(root))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: str) -> Study:
    return train_study(TINY.but(iterations=2), tmp_path_factory.mktemp("studies") / "tiny-study", root=data)


@pytest.fixture
def study(trained: Study, tmp_path: Path) -> Study:
    return Study.load(shutil.copytree(trained.folder, tmp_path / "tiny-study"))


def test_its_numbers_are_those_of_the_other_images(study: Study, data: str) -> None:
    swept = sweep_study(on_dataset(study, "foreign", root=data), SWEEP, root=data)
    images = foreign().fitted(16, 1)
    episode = EpisodeBank(images, "test", 3, 1, SWEEP.queries, SWEEP.seed)[0]
    pattern = LambdaPattern.parse("00011", 5)
    adapted = adapt(study.model(), episode.support_x, episode.support_y, pattern, 2, study.config.lr)
    right = float((adapted.model(episode.query_x).argmax(1) == episode.query_y).float().mean())
    table = swept.split("test").query("pattern == '00011' and steps == 2 and episode == 0")
    assert table["accuracy"].item() == pytest.approx(right)
    assert (swept.name, swept.dataset, swept.config.dataset) == ("tiny-study@foreign", "foreign", "tiny")
    assert swept.title.endswith("· on Foreign")
    assert swept.classes("test") is not None


def test_it_keeps_model_and_times_and_leaves_the_study_as_it_was(study: Study, data: str) -> None:
    timed = time_study(sweep_study(study, SWEEP, root=data), TIMING, root=data)
    there = on_dataset(timed, "foreign", root=data)
    assert there.weights_sum == timed.weights_sum
    assert there.timing.equals(timed.timing)
    assert there.accuracy is None
    assert sweep_study(there, SWEEP, root=data).measured
    assert Study.load(timed.folder).accuracy.equals(timed.accuracy)
    assert on_dataset(timed, "foreign", root=data).measured, "made once, found the next time"


def test_a_domain_of_a_domain_is_one_of_the_study(study: Study, data: str) -> None:
    first = on_dataset(study, "foreign", root=data)
    assert on_dataset(first, "glyphs", root=data).name == "tiny-study@glyphs"


def test_dark_and_light_can_be_swapped(study: Study, data: str) -> None:
    there = on_dataset(study, "foreign", inverted=True, root=data)
    assert there.metadata.measured_on.inverted
    plain = foreign().fitted(16, 1)
    places = np.arange(3)
    assert np.array_equal(plain.fitted(16, 1, inverted=True).pictures(places), 255 - plain.pictures(places))
    with pytest.raises(StudyError, match="another version of foreign; remove it"):
        on_dataset(study, "foreign", root=data)


def test_other_weights_are_refused(study: Study, data: str, tmp_path: Path) -> None:
    on_dataset(study, "foreign", root=data)
    shutil.rmtree(study.folder)
    other = train_study(TINY.but(iterations=2, seed=5), tmp_path / "tiny-study", root=data)
    with pytest.raises(StudyError, match="other weights"):
        on_dataset(other, "foreign", root=data)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("tiny", "without --dataset"),
        ("nowhere", "nowhere is not in"),
        ("sinusoid", "no images"),
        ("../tiny", "no name of a data set"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(study: Study, data: str, dataset: str, said: str) -> None:
    with pytest.raises((StudyError, DataError), match=said):
        on_dataset(study, dataset, root=data)
    assert [each.name for each in study.folder.parent.iterdir() if "@" in each.name] == []


def test_too_few_classes_are_refused_before_anything_is_made(study: Study, tmp_path: Path) -> None:
    write_dataset(foreign(classes=4), tmp_path / "few")
    with pytest.raises(DataError, match="2 classes, too few for 3 ways"):
        on_dataset(study, "foreign", root=str(tmp_path / "few"))
    assert [each.name for each in study.folder.parent.iterdir() if "@" in each.name] == []


def test_command_line(study: Study, data: str) -> None:
    options = ["--dataset", "foreign", "--episodes", "3", "--queries", "4", "--max-steps", "2", "--root", data]
    result = CliRunner().invoke(main, ["sweep", str(study.folder), *options], catch_exceptions=False)
    assert result.exit_code == 0
    assert "tiny-study@foreign: 3 episodes" in result.stdout
    assert json.loads((study.folder.with_name("tiny-study@foreign") / "study.json").read_text())["domain"][
        "fingerprint"
    ]


def test_unlike_images_are_named(study: Study, data: str, tmp_path: Path) -> None:
    dark = foreign()
    images = (dark.images // 8).astype(np.uint8)
    write_dataset(ImageDataset("foreign", "dark", images, dark.labels, dark.classes, dark.splits), tmp_path / "dark")
    there = on_dataset(study, "foreign", root=str(tmp_path / "dark"))
    assert "images of foreign are much darker" in str(there.unlike)
    assert there.unlike in there.warnings
    assert on_dataset(study, "glyphs", root=data).unlike != there.unlike
