"""Meta-training on a CUDA card, worn as a badge by CPU tensors: all tasks of a meta-gradient at once."""

from __future__ import annotations

import pytest
import torch

from lambda_core.config import MetaTrainConfig
from lambda_core.errors import ConfigError
from lambda_core.training.fitting import needed_bytes
from lambda_core.training.meta_trainer import MetaTrainer, meta_train
from lambda_core.training.objective import Objective
from tests.support.badge import Card
from tests.support.tiny import tiny_source

SETTINGS = {"dataset": "tiny", "ways": 3, "shots": 1, "queries": 4, "filters": 4, "steps": 2, "lr": 0.1,
            "meta_batch": 3, "iterations": 2, "validate_every": 1, "validation_episodes": 3}  # fmt: skip


@pytest.mark.parametrize("order", ["second", "first"])
@pytest.mark.parametrize("statistics", ["transductive", "support"])
def test_a_meta_gradient_is_that_of_the_cpu_and_read_back_once(order, statistics):
    config = MetaTrainConfig(**SETTINGS, order=order, query_statistics=statistics, pattern="00111")
    on_cpu = MetaTrainer(config, tiny_source())
    wanted = on_cpu.meta_gradient()
    with Card() as card:
        trainer = MetaTrainer(config, tiny_source(), "cuda")
        found = trainer.meta_gradient()
        assert sum(card.read_backs.values()) == 1
        assert found == pytest.approx(wanted, rel=1e-5)
        for ours, theirs in zip(trainer.model.parameters(), on_cpu.model.parameters(), strict=True):
            assert torch.allclose(ours.grad.cpu(), theirs.grad, rtol=1e-3, atol=1e-5)
        read_before = sum(card.read_backs.values())
        assert trainer.validation.score("cuda") == pytest.approx(on_cpu.validation.score("cpu"))
        assert sum(card.read_backs.values()) == read_before + 1


def test_a_training_runs_to_its_end_and_is_written(tmp_path):
    config = MetaTrainConfig(**SETTINGS)
    on_cpu = meta_train(config, tmp_path / "cpu", tiny_source())
    with Card():
        trainer = meta_train(config, tmp_path / "cuda", tiny_source(), device="cuda")
        assert trainer.best.score == pytest.approx(on_cpu.best.score)
        resumed = meta_train(config, tmp_path / "cuda", tiny_source(), device="cuda", resume=True)
        assert resumed.iteration == 2


def test_a_device_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="sees no GPU on this machine"):
        meta_train(MetaTrainConfig(**SETTINGS), tmp_path, tiny_source(), device="cuda")


def test_on_a_card_so_many_episodes_are_run_at_once_as_fit(monkeypatch):
    sizes = []
    whole = Objective.of_many

    def noted(self, episodes):
        sizes.append(len(episodes.support_x))
        return whole(self, episodes)

    config = MetaTrainConfig(
        dataset="tiny", ways=3, queries=4, filters=4, steps=2, meta_batch=5, query_statistics="support"
    )
    with Card():
        trainer = MetaTrainer(config, tiny_source(), "cuda")
        wanted = trainer.meta_gradient()
        rows = trainer.schedule.heaviest_rows
        one = needed_bytes(trainer.objective, trainer.train_bank[0], rows, "second", "cuda", keeps=True)
        trainer.fit(int(2.5 * one))
        monkeypatch.setattr(Objective, "of_many", noted)
        assert trainer.meta_gradient() == pytest.approx(wanted, rel=1e-5)
    assert set(sizes) == {2, 1}  # a captured graph asks more than once
