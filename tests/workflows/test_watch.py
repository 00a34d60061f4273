"""A study's model watched on episodes of any number of classes, where its head serves them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lambda_core.adaptation import adapt_by_definition
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes import Episode
from lambda_core.errors import StudyError
from lambda_core.patterns import LambdaPattern
from lambda_core.studies import Study
from lambda_core.workflows import start_study, trace_study, why_not_ways
from tests.support.own_networks import write_networks
from tests.training.test_meta_trainer import TINY


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MetaTrainConfig:
    monkeypatch.syspath_prepend(str(write_networks(tmp_path, "networks_watched")))
    return TINY.but(backbone="networks_watched:small")


def episode(study: Study, ways: int) -> Episode:
    size, channels = study.input
    x, labels = torch.randn(ways, channels, size, size, generator=torch.manual_seed(0)), torch.arange(ways)
    return Episode(x, labels, x + 0.1, labels, tuple(f"class {way}" for way in range(ways)))


def test_a_head_that_has_learned_nothing_serves_any_number(config: MetaTrainConfig, tmp_path: Path, root: str) -> None:
    study = start_study(config, tmp_path / "mine", head="zero", root=root)
    pattern = LambdaPattern.parse("n1", 2)
    for ways in (2, config.ways, config.ways + 3):
        assert why_not_ways(str(study.folder), "now", ways) == ""
        asked = episode(study, ways)
        traced = trace_study(str(study.folder), "now", asked, pattern, 2, "stored").states[-1]
        model, lr = study.model(ways), study.config.lr
        weights = adapt_by_definition(model, asked.support_x, asked.support_y, pattern, 2, lr)
        logits = torch.func.functional_call(model, weights, (asked.query_x,))
        torch.testing.assert_close(torch.from_numpy(traced.probabilities), logits.detach().softmax(1))


def test_a_head_that_was_learned_does_not(config: MetaTrainConfig, tmp_path: Path, root: str) -> None:
    study = start_study(config, tmp_path / "mine", head="kept", root=root)
    assert "so it cannot serve 9" in why_not_ways(str(study.folder), "now", 9)
    with pytest.raises(StudyError, match="so it cannot serve 9"):
        trace_study(str(study.folder), "now", episode(study, 9), LambdaPattern.parse("01", 2), 2, "stored")
