import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch

from lambda_core.config import MetaTrainConfig
from lambda_core.data import load_dataset
from lambda_core.episodes.episode import Episode, as_images, as_inputs
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.episodes.sampling import shifted
from lambda_core.episodes.sinusoid_bank import SinusoidBank
from lambda_core.episodes.source import Source
from lambda_core.errors import DataError
from tests.support.tiny import tiny_dataset, tiny_source

DIGEST = """
import hashlib
from lambda_core.episodes.image_bank import EpisodeBank
from tests.support.tiny import tiny_dataset
episode = EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=7)[5]
print(hashlib.sha256(episode.support_images.tobytes() + episode.query_images.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def data():
    return tiny_dataset()


def test_shapes_labels_and_range(data):
    episode = EpisodeBank(data, "train", ways=4, shots=2, queries=3, seed=0)[0]
    assert episode.support_x.shape == (8, 1, 16, 16)
    assert episode.query_x.shape == (12, 1, 16, 16)
    assert episode.support_y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert episode.query_y.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert episode.support_x.dtype == torch.float32
    assert -1 <= episode.support_x.min() < episode.support_x.max() <= 1


def test_the_images_are_those_of_the_classes_named_and_none_is_drawn_twice(data):
    episode = EpisodeBank(data, "train", 4, 2, 3, seed=1)[3]
    flat = {image.tobytes(): int(label) for image, label in zip(data.images, data.labels, strict=True)}
    images = np.concatenate([episode.support_images, episode.query_images])
    labels = [flat[image.tobytes()] for image in images]
    wanted = [data.classes.index(episode.class_names[int(y)]) for y in torch.cat([episode.support_y, episode.query_y])]
    assert labels == wanted
    assert len({image.tobytes() for image in images}) == len(images)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_episodes_stay_in_their_split(data, split):
    bank = EpisodeBank(data, split, 4, 1, 2, seed=0)
    seen = {name for index in range(20) for name in bank[index].class_names}
    assert seen == set(data.splits[split])


def test_an_episode_does_not_depend_on_those_drawn_before_it(data):
    bank = EpisodeBank(data, "val", 3, 1, 4, seed=2)
    _ = [bank[index] for index in range(5)]
    assert torch.equal(bank[9].support_x, EpisodeBank(data, "val", 3, 1, 4, seed=2)[9].support_x)


@pytest.mark.slow
def test_another_process_draws_the_same_episode(data):
    found = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True).stdout.strip()
    episode = EpisodeBank(data, "val", 3, 1, 4, seed=7)[5]
    here = hashlib.sha256(episode.support_images.tobytes() + episode.query_images.tobytes()).hexdigest()
    assert found == here


def test_every_machine_draws_the_same_episode(data):
    """Pinned: a change of this value means that no cached study can be reproduced any more."""
    names = [EpisodeBank(data, "test", 3, 1, 4, seed=7)[i].class_names for i in range(3)]
    assert names == [
        ("class15", "class17", "class14"),
        ("class12", "class14", "class13"),
        ("class17", "class12", "class13"),
    ]


def test_seeds_splits_and_indices_differ(data):
    def drawn(split, seed, index):
        return EpisodeBank(data, split, 3, 1, 4, seed)[index].support_images.tobytes()

    assert len({drawn(split, seed, index) for split in ("val", "test") for seed in (0, 1) for index in (0, 1)}) == 8


def test_rotations_are_classes_of_their_own(data):
    bank = EpisodeBank(data, "train", 24, 1, 1, seed=0, rotations=True)
    episode = bank[0]
    assert len(bank.classes) == 24
    assert sorted(episode.class_names) == sorted(data.splits["train"] * 4)
    originals = {image.tobytes() for image in data.images}
    turned = [np.rot90(image, -turn) for image in episode.support_images for turn in range(4)]
    assert sum(image.tobytes() in originals for image in turned) == 24


def test_flips_mirror_about_half_of_the_images(data):
    plain, flipped = (EpisodeBank(data, "train", 6, 1, 9, seed=0, flips=flips)[0] for flips in (False, True))
    same = [np.array_equal(a, b) for a, b in zip(plain.query_images, flipped.query_images, strict=True)]
    mirrored = [np.array_equal(a[:, ::-1], b) for a, b in zip(plain.query_images, flipped.query_images, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 10 < sum(mirrored) < 44


def test_inputs_and_images_are_inverse():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert np.array_equal(as_images(as_inputs(images)), images)


def test_inputs_are_channels_last_in_memory():
    x = as_inputs(np.zeros((2, 8, 8, 3), dtype=np.uint8))
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_classes_can_be_picked_by_name(data):
    bank = EpisodeBank(data, "test", 3, 1, 4, seed=0)
    assert bank.of_classes(["class15", "class13"]).class_names == ("class15", "class13")
    with pytest.raises(DataError, match="no class 'class0'"):
        bank.of_classes(["class0"])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(("val", 1, 1, 1), "1 ways leave nothing to tell apart"),
     (("val", 7, 1, 1), "6 classes, too few for 7 ways"), (("val", 5, 5, 6), "10 images, too few for 5 shots and 6"),
     (("vall", 5, 1, 1), "no split is named 'vall'")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_a_clear_error(data, arguments, complaint):
    with pytest.raises(DataError, match=complaint):
        EpisodeBank(data, *arguments)


def test_sinusoids_lie_on_their_curve():
    bank = SinusoidBank("val", shots=5, queries=6, seed=3)
    amplitude, phase = bank.curve(4)
    episode = bank[4]
    assert episode.support_x.shape == (5, 1)
    assert episode.query_y.shape == (6, 1)
    assert torch.allclose(episode.query_y, amplitude * torch.sin(episode.query_x - phase), atol=1e-5)
    assert 0.1 <= amplitude <= 5
    assert 0 <= phase <= np.pi


def test_augmentation_is_for_training_only():
    config = MetaTrainConfig(dataset="tiny", queries=4, rotations=True, flips=True)
    source = tiny_source()
    assert len(source.bank(config, "train").classes) == 24
    assert len(source.bank(config, "val").classes) == 6
    assert not source.bank(config, "val").flips


def test_the_sinusoid_needs_no_data():
    assert Source("sinusoid").input == (1, 1)


def test_shifted_training_images_reflect_their_border():
    images = np.arange(2 * 3 * 6 * 5, dtype=np.uint8).reshape(2, 3, 6, 5, 1)
    by = np.random.RandomState(0).randint(-3, 4, (2, 2, 3))
    padded = np.pad(images, ((0, 0), (0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    moved = shifted(images, by)
    for n, k in np.ndindex(2, 3):
        down, right = by[:, n, k]
        assert (moved[n, k] == padded[n, k, 3 - down : 9 - down, 3 - right : 8 - right]).all()


def test_only_training_episodes_are_shifted():
    config = MetaTrainConfig(dataset="tiny", ways=3, queries=4, max_shift=2)
    source = tiny_source()
    still = config.but(max_shift=0)
    for split in ("val", "test"):
        assert torch.equal(source.bank(config, split)[0].query_x, source.bank(still, split)[0].query_x)
    assert not torch.equal(source.bank(config, "train")[0].query_x, source.bank(still, "train")[0].query_x)


@pytest.mark.parametrize(
    "bank", [EpisodeBank(tiny_dataset(), "val", 3, 1, 4), SinusoidBank("val")], ids=["images", "sine"]
)
def test_a_bank_says_that_it_has_no_end(bank):
    with pytest.raises(TypeError, match=r"take bank\[i\]"):
        list(bank)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_make_the_same_episode_again(channels: int) -> None:
    episode = EpisodeBank(load_dataset("glyphs").fitted(20, channels), "test", 5, 2, 3)[1]
    again = Episode.of(episode.pictures)
    assert again.class_names == episode.class_names
    for name in ("support_x", "support_y", "query_x", "query_y"):
        ours, theirs = getattr(again, name), getattr(episode, name)
        assert torch.equal(ours, theirs)
        assert ours.dim() < 4 or ours.is_contiguous(memory_format=torch.channels_last)
