import numpy as np
import pytest
from PIL import Image

from lambda_core.adaptation.adapting import adapt
from lambda_core.data.fitting import Fit
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.errors import DataError
from lambda_core.measurement.episode_folders import episodes_of, evaluate_folder
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.workflows.train import train_study
from tests.support.tiny import tiny_dataset, write_tiny
from tests.training.test_meta_trainer import TINY


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    base = tmp_path_factory.mktemp("evaluate")
    return train_study(TINY.but(iterations=3), base / "tiny-study", root=str(write_tiny(base / "data")))


@pytest.fixture
def bank():
    return EpisodeBank(tiny_dataset(), "test", 3, 1, 4, seed=0)


def write_episodes(folder, bank, count=3):
    for index in range(count):
        episode = bank[index]
        parts = {
            "support": (episode.support_images, episode.support_y),
            "query": (episode.query_images, episode.query_y),
        }
        for part, (images, labels) in parts.items():
            for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
                place = folder / f"episode{index}" / part / f"{label}-{episode.class_names[label]}"
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image[..., 0]).save(place / f"{number:02d}.png")


@pytest.mark.parametrize("text", ["11111", "00001"])
def test_folders_score_as_the_same_episodes_do(study, bank, tmp_path, text):
    write_episodes(tmp_path, bank)
    pattern = LambdaPattern.parse(text, 5)
    found = evaluate_folder(study, tmp_path, pattern, 2)
    hits = []
    for index in range(3):
        episode = bank[index]
        adapted = adapt(study.model(), episode.support_x, episode.support_y, pattern, 2, study.config.lr)
        hits.append((adapted.model(episode.query_x).argmax(1) == episode.query_y).float().mean().item())
    assert found.accuracy == pytest.approx(np.mean(hits))
    assert found.episodes == 3
    assert found.half_width > 0 or len(set(hits)) == 1


def test_files_give_the_pixels_of_the_bank(bank, tmp_path):
    write_episodes(tmp_path, bank, count=1)
    episode = next(episodes_of(tmp_path, 3, Fit(16, 1)))
    assert np.array_equal(episode.support_images, bank[0].support_images)
    assert episode.query_y.tolist() == bank[0].query_y.tolist()


def test_what_systems_and_editors_leave_there_is_passed_over(bank, tmp_path):
    write_episodes(tmp_path, bank, count=1)
    clean = next(episodes_of(tmp_path, 3, Fit(16, 1)))
    for folder in [tmp_path, *[path for path in tmp_path.rglob("*") if path.is_dir()]]:
        (folder / ".ipynb_checkpoints").mkdir()
        (folder / "._00.png").write_bytes(b"no image")
    (again,) = episodes_of(tmp_path, 3, Fit(16, 1))
    assert np.array_equal(again.query_images, clean.query_images)
    assert again.class_names == clean.class_names


def _no_support(folder):
    (folder / "episode0" / "support").rename(folder / "episode0" / "elsewhere")


def _foreign_class(folder):
    (folder / "episode0" / "query" / "unknown").mkdir()


def _broken_image(folder):
    next((folder / "episode0" / "query").rglob("*.png")).write_bytes(b"no image")


def _empty_class(folder):
    next((folder / "episode0" / "support").rglob("*.png")).unlink()


def _grey(folder):
    for path in (folder / "episode0" / "support").rglob("*.png"):
        Image.new("L", (16, 16), 128).save(path)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [(_grey, "episode0/support are of one brightness"),
     (_no_support, "no folder"), (_foreign_class, "lacks: unknown"), (_broken_image, "no readable"),
     (_empty_class, "holds no PNG")],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_said(bank, tmp_path, damage, complaint):
    write_episodes(tmp_path, bank, count=1)
    damage(tmp_path)
    with pytest.raises(DataError, match=complaint):
        list(episodes_of(tmp_path, 3, Fit(16, 1)))


def test_a_study_of_other_ways_is_refused(bank, tmp_path):
    write_episodes(tmp_path, bank, count=1)
    with pytest.raises(DataError, match="has 3 classes; the study was trained for 5"):
        list(episodes_of(tmp_path, 5, Fit(16, 1)))


def test_a_folder_without_episodes_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no episodes"):
        list(episodes_of(tmp_path, 5, Fit(16, 1)))
