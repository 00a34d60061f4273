"""Step sizes as part of the candidate: swept as multiples of the study's own, without touching what was there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lambda_core.adaptation.adapting import adapt
from lambda_core.backbones.networks import conv4
from lambda_core.config import SweepConfig
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.errors import ConfigError
from lambda_core.measurement.accuracy import sweep
from lambda_core.patterns.pattern import LambdaPattern
from tests.support.tiny import tiny_dataset

LR = 0.1


@pytest.fixture
def model():
    torch.manual_seed(0)
    return conv4(3, 4, 1, 16)


@pytest.fixture
def bank():
    return EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)


@pytest.mark.parametrize(
    ("text", "scales"),
    [("1", (1.0,)), ("0.5,1,2,4", (0.5, 1.0, 2.0, 4.0)), ("4 0.5, 2", (0.5, 1.0, 2.0, 4.0)), ("2,2.0", (1.0, 2.0))],
)
def test_scales_are_numbers_in_order_with_the_own_among_them(text, scales):
    config = SweepConfig(lr_scale=text)
    assert config.scales == scales
    assert SweepConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("text", ["", "fast", "1,-2", "0", "nan", "1,1e9", ",".join(map(str, range(1, 40)))])
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match="lr_scale must be"):
        SweepConfig(lr_scale=text)


def test_every_step_size_gives_the_numbers_of_a_separate_adaptation(model, bank):
    patterns = [LambdaPattern.parse(text, 5) for text in ("00001", "00110", "11111")]
    frame = sweep(model, bank, [1], patterns, 2, LR, scales=(0.5, 1.0, 4.0))
    assert len(frame) == 1 + 3 * 3 * 2
    episode = bank[1]
    for pattern in patterns:
        for scale in (0.5, 1.0, 4.0):
            adapted = adapt(model, episode.support_x, episode.support_y, pattern, 2, LR * scale).model
            here = np.isclose(frame["lr"], LR * scale) & (frame["pattern"] == str(pattern)) & (frame["steps"] == 2)
            wanted = F.cross_entropy(adapted(episode.query_x), episode.query_y).item()
            assert frame.loc[here, "loss"].item() == pytest.approx(wanted, rel=1e-4)


def test_the_own_step_size_has_the_same_table_alone_and_among_others(model, bank):
    patterns = LambdaPattern.enumerate(5)
    alone = sweep(model, bank, [0], patterns, 2, LR)
    among = sweep(model, bank, [0], patterns, 2, LR, scales=(0.5, 1.0))
    own = among[among["lr"] == np.float32(LR)].reset_index(drop=True)
    assert own.equals(alone)
