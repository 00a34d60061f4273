"""A sweep within a limit of memory gives the numbers of one without, or says what it would need."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.networks import conv4
from lambda_core.config import SweepConfig
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.errors import ConfigError
from lambda_core.measurement import fitting
from lambda_core.measurement.accuracy import sweep
from lambda_core.measurement.compiled_episode import CompiledEpisode, episode_for_many
from lambda_core.measurement.fitting import FittedSweep, fitted_sweep, needed_bytes
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.workflows.measure import sweep_study
from lambda_core.workflows.train import train_study
from tests.support.tiny import tiny_dataset
from tests.training.test_meta_trainer import TINY

PATTERNS = [LambdaPattern.parse(text, 5) for text in ("00000", "00001", "00110", "0nnn1", "11111")]


@pytest.fixture
def bank():
    return EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)


def model_for(query_statistics):
    torch.manual_seed(0)
    if query_statistics != "stored":
        return conv4(3, 4, 1, 16)
    norm = torch.nn.BatchNorm2d(6)
    one = torch.nn.Sequential(torch.nn.Conv2d(1, 6, 3), norm, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(4))
    layers = [one, torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(96, 8), torch.nn.Tanh())]
    model = torch.nn.Sequential(*layers, *(torch.nn.Linear(8, 8) for _ in range(2)), torch.nn.Linear(8, 3))
    norm.running_mean.normal_()
    return model.eval()


@pytest.mark.parametrize(("query_statistics", "at_once"), [("transductive", 12), ("support", 5), ("stored", 1)])
def test_in_pieces_the_numbers_are_those_of_all_at_once(bank, query_statistics, at_once):
    model = model_for(query_statistics)
    whole = sweep(model, bank, range(3), PATTERNS, 3, 0.1, query_statistics=query_statistics)
    pieces = sweep(model, bank, range(3), PATTERNS, 3, 0.1, query_statistics=query_statistics, at_once=at_once)
    same(whole, pieces)


def same(left, right):
    """The same rows and accuracies; losses to rounding."""
    pd.testing.assert_frame_equal(left.drop(columns="loss"), right.drop(columns="loss"))
    np.testing.assert_allclose(left["loss"], right["loss"], rtol=2e-4)


def test_less_is_held_by_fewer_queries_at_once(bank):
    backbone = Backbone.of(model_for("support"))
    held = [needed_bytes(backbone, bank[0], PATTERNS, "support", at_once) for at_once in (None, 12, 3, 1)]
    assert held == sorted(held, reverse=True)
    assert held[0] > held[-1] > 0


def test_what_is_compiled_is_counted(bank):
    backbone = Backbone.of(model_for("transductive"))
    episode = episode_for_many(backbone, bank[0], 0.1, "transductive")
    assert isinstance(episode, CompiledEpisode)
    assert needed_bytes(backbone, bank[0], PATTERNS, "transductive", None) == episode.held_bytes
    support = bank[0].support_x
    assert episode.held_bytes > support.nbytes + bank[0].query_x.nbytes


def test_fewer_processes_come_before_smaller_pieces(bank, monkeypatch):
    monkeypatch.setattr(fitting, "cores", lambda: 8)
    backbone = Backbone.of(model_for("support"))
    whole, least = (needed_bytes(backbone, bank[0], PATTERNS, "support", at_once) for at_once in (None, 1))

    def fit(limit, processes):
        return fitted_sweep(backbone, bank[0], PATTERNS, "support", limit, processes)

    assert fit(8 * whole, None) == FittedSweep(None)
    assert fit(3 * whole, None) == FittedSweep(3)
    assert fit(3 * whole, 2) == FittedSweep(2)
    smaller = fit(whole - 1, None)
    assert smaller.at_once is not None
    assert fit(least, None).processes == 1
    with pytest.raises(ConfigError, match=r"3 support images, 12 queries, support statistics\) needs about 1 MB.*1 MB"):
        fit(least - 1, None)


def test_transductive_queries_are_not_taken_apart(bank):
    backbone = Backbone.of(model_for("transductive"))
    with pytest.raises(ConfigError, match="allow more, or take fewer queries"):
        fitted_sweep(backbone, bank[0], PATTERNS, "transductive", 1000, 1)


@pytest.mark.slow
def test_a_study_swept_within_a_limit_has_the_same_tables(tmp_path, root):
    study = train_study(TINY.but(iterations=2), tmp_path / "tiny-study", root=root)
    config = SweepConfig(episodes=2, queries=4, max_steps=2, query_statistics="support", patterns="tails")
    free = sweep_study(study, config, root=root).accuracy
    backbone = Backbone.of(study.model())
    episode = EpisodeBank(tiny_dataset(), "val", study.config.ways, study.config.shots, 4, seed=1)[0]
    patterns = LambdaPattern.enumerate(len(study.layers))
    least = needed_bytes(backbone, episode, patterns, "support", 4)
    with pytest.raises(ConfigError, match="memory limit"):
        sweep_study(study, config.but(episodes=3), root=root, memory_limit=1)
    again = train_study(TINY.but(iterations=2), tmp_path / "again", root=root)
    limited = sweep_study(again, config, root=root, memory_limit=least).accuracy
    same(free, limited)
