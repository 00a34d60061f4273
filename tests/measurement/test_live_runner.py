"""Candidates run live give the numbers of separate adaptations; what is kept is not run again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.query_statistics import query_logits
from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.networks import conv4
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.measurement.live_runner import CachedRunner, PrefixTreeEpisode
from lambda_core.measurement.parts import Part
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.selection.candidates import Candidate, LayerwiseCandidate
from lambda_core.selection.pattern_search import all_rows
from tests.support.planted import Planted
from tests.support.tiny import tiny_dataset


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return conv4(3, 4, 1, 16)


@pytest.fixture(scope="module")
def bank():
    return EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)


@pytest.mark.parametrize("statistics", ["transductive", "support"])
def test_a_tree_gives_the_numbers_of_separate_adaptations(model, bank, statistics):
    random = np.random.default_rng(0)
    rows = all_rows(5)
    texts = ["/".join("".join("01"[cell] for cell in rows[i]) for i in random.integers(0, 31, 3)) for _ in range(30)]
    texts += ["00011/01000/00001", "00011/01000/11111", "00011/00001"]
    texts += ["nnnn1", "0n0n1/00001", "00011/0nn00/00011", "n0000/10000"]
    candidates = [Candidate(str(LambdaPattern.parse(text, 5)), 1 + number % 3, lr) for number, text in enumerate(texts)
            for lr in (0.1, 0.4)] + [Candidate("00000", 0, 0.1)]  # fmt: skip
    candidates += [
        LayerwiseCandidate(each.pattern, each.steps, 0.1, (0.5, 1.0, 2.0, 4.0, 0.25)) for each in candidates[::7]
    ]
    episode = bank[1]
    found = PrefixTreeEpisode(Backbone.of(model), episode, 0.1, statistics).accuracies(candidates)
    for candidate, accuracy in zip(candidates, found, strict=True):
        pattern = LambdaPattern.parse(candidate.pattern, 5)
        adapted = adapt(model, episode.support_x, episode.support_y, pattern, candidate.steps, candidate.step_size)
        logits = query_logits(adapted.backbone, adapted.weights, episode.support_x, episode.query_x, statistics)
        wanted = (logits.argmax(1) == episode.query_y).float().mean().item()
        assert accuracy == pytest.approx(wanted, abs=1e-6)


def test_what_is_kept_is_not_run_again(tmp_path):
    candidates, runner = [Candidate("00001", 1, 0.1), Candidate("11111", 2, 0.1)], Planted()
    clipped = lambda candidates, episodes: np.clip(runner(candidates, episodes), 0, 1)  # noqa: E731
    whole = CachedRunner(clipped, tmp_path, "same")(candidates, range(25))
    assert whole.shape == (2, 25)
    assert runner.calls == 3
    files = sorted(tmp_path.iterdir())
    files[0].write_bytes(b"damaged")
    files[1].unlink()
    assert np.array_equal(CachedRunner(clipped, tmp_path, "same")(candidates, range(25)), whole)
    assert runner.calls == 5
    CachedRunner(clipped, tmp_path, "other weights")(candidates, range(25))
    assert runner.calls == 8


def test_processes_that_share_a_folder_find_the_same_and_make_little_twice(tmp_path):
    candidates, runner = [Candidate("00001", 1, 0.1), Candidate("11111", 2, 0.1)], Planted()
    made = []

    def clipped(candidates, episodes):
        made.append(episodes)
        return np.clip(runner(candidates, episodes), 0, 1)

    alone = CachedRunner(clipped, tmp_path / "alone", "same")(candidates, range(75))
    made.clear()
    for number in (3, 1, 2):
        part = Part(number, 3)
        found = CachedRunner(clipped, tmp_path / "shared", "same", part=part)(candidates, range(75))
        assert np.array_equal(found, alone)
    assert len(made) == 8  # the first one found nothing of the others', and took it over
    assert made[:2] == [range(20, 30), range(50, 60)]  # its own before all


def test_each_part_has_all_pieces_its_own_first_and_the_others_from_another_place():
    orders = [Part(number, 3).in_turn(range(9)) for number in (1, 2, 3)]
    assert [order[:3] for order in orders] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert len({order[3] for order in orders}) == 3
    assert Part().in_turn(range(4)) == [0, 1, 2, 3]
