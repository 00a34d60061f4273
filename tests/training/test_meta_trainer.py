"""The outer loop: its gradient against finite differences and against the oracle; stop and resume, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.networks import conv4
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.episodes.source import Source
from lambda_core.errors import ConfigError, StudyError
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.training.meta_trainer import MetaTrainer, meta_train
from lambda_core.training.objective import Objective
from tests.support.tiny import tiny_source

TINY = MetaTrainConfig(
    dataset="tiny",
    ways=3,
    queries=4,
    filters=4,
    steps=2,
    iterations=6,
    meta_batch=2,
    validate_every=3,
    validation_episodes=2,
)


@pytest.fixture
def source() -> Source:
    return tiny_source()


def _episode(source: Source, dtype=torch.float64):
    return EpisodeBank(source.images, "train", 3, 1, 4)[0].to(dtype=dtype)


@pytest.mark.parametrize("pattern", ["11111", "00001", "11110", "01010/10001"])
@pytest.mark.parametrize("query_statistics", ["transductive", "support"])
def test_the_meta_gradient_equals_finite_differences(source, pattern, query_statistics):
    torch.manual_seed(0)
    model = conv4(3, 4, 1, 16).double()
    backbone, episode = Backbone.of(model), _episode(source)
    objective = Objective(backbone, 0.1, F.cross_entropy, query_statistics)
    rows = LambdaPattern.parse(pattern, 5).rows_for(3)
    objective.loss_after_adaptation(backbone.weights(), episode, rows)[0].backward()
    step = 1e-7  # small, or a kink of ReLU or pooling lies between the two points
    for parameter in model.parameters():
        direction = torch.randn_like(parameter)
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(direction, alpha=sign * step)
            values.append(objective.loss_after_adaptation(backbone.weights(), episode, rows)[0].item())
            with torch.no_grad():
                parameter.add_(direction, alpha=-sign * step)
        measured = (values[0] - values[1]) / (2 * step)
        computed = 0.0 if parameter.grad is None else (parameter.grad * direction).sum().item()
        assert computed == pytest.approx(measured, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("pattern", LambdaPattern.enumerate(5)[1::3], ids=str)
def test_the_meta_gradient_equals_the_plain_one(source, pattern):
    torch.manual_seed(0)
    model = conv4(3, 4, 1, 16).double()
    backbone, episode = Backbone.of(model), _episode(source)
    ours, _ = Objective(backbone, 0.1, F.cross_entropy).loss_after_adaptation(
        backbone.weights(), episode, pattern.rows_for(2)
    )
    weights = adapt_by_definition(model, episode.support_x, episode.support_y, pattern, 2, 0.1, create_graph=True)
    theirs = F.cross_entropy(torch.func.functional_call(model, weights, (episode.query_x,)), episode.query_y)
    parameters = list(model.parameters())
    for a, b in zip(torch.autograd.grad(ours, parameters), torch.autograd.grad(theirs, parameters), strict=True):
        assert torch.allclose(a, b, atol=1e-10)


def test_first_order_takes_the_gradient_at_the_adapted_weights(source):
    trainer = MetaTrainer(TINY.but(order="first", meta_batch=1), source)
    episode = trainer.train_bank[0]
    plain = adapt_by_definition(
        trainer.model, episode.support_x, episode.support_y, LambdaPattern.named("maml", 5), TINY.steps, TINY.lr
    )
    leaves = {name: value.detach().requires_grad_() for name, value in plain.items()}
    F.cross_entropy(torch.func.functional_call(trainer.model, leaves, (episode.query_x,)), episode.query_y).backward()
    trainer.meta_gradient()
    for name, parameter in trainer.model.named_parameters():
        assert torch.allclose(parameter.grad, leaves[name].grad, atol=1e-6), name


@pytest.mark.parametrize(
    "changes", [{}, {"order": "first"}, {"pattern": "00001+11111"}, {"query_statistics": "support"}]
)
@pytest.mark.parametrize("stop", [3, *(pytest.param(stop, marks=pytest.mark.slow) for stop in (1, 4))])
def test_a_resumed_run_ends_bit_for_bit_where_an_unbroken_one_does(source, tmp_path, changes, stop):
    config = TINY.but(**changes)
    unbroken = meta_train(config, tmp_path / "a", source)
    broken = MetaTrainer(config, source)
    for _ in range(stop):
        broken.iterate()
    broken.save(tmp_path / "b")
    resumed = meta_train(config, tmp_path / "b", source, resume=True)
    for name, value in unbroken.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    for name, value in unbroken.best.weights.items():
        assert torch.equal(value, resumed.best.weights[name]), name
    columns = ["iteration", "loss", "accuracy", "val_accuracy"]
    assert unbroken.log.table[columns].equals(resumed.log.table[columns])


@pytest.mark.slow
def test_a_run_in_pieces_ends_where_one_in_one_piece_does(source, tmp_path):
    whole = meta_train(TINY, tmp_path / "a", source)
    piece = meta_train(TINY, tmp_path / "b", source, stop_at=4)
    assert piece.iteration == 4
    rest = meta_train(TINY, tmp_path / "b", source, resume=True)
    assert all(torch.equal(value, rest.model.state_dict()[name]) for name, value in whole.model.state_dict().items())


@pytest.mark.slow
def test_training_learns(source, tmp_path):
    trainer = meta_train(TINY.but(iterations=60, validate_every=60, meta_lr=0.01), tmp_path, source)
    assert trainer.log.table["loss"].iloc[-1] < 0.8 * trainer.log.table["loss"].iloc[0]


def test_the_sinusoid_trains_without_accuracies(tmp_path):
    config = MetaTrainConfig(
        dataset="sinusoid", backbone="mlp", ways=1, shots=10, queries=10, filters=8, steps=1, lr=0.01, iterations=4,
        validate_every=2, validation_episodes=2,
    )  # fmt: skip
    training = meta_train(config, tmp_path, Source("sinusoid")).log.table
    assert training["accuracy"].isna().all()
    assert training["val_accuracy"].dropna().max() < 0  # minus the loss
    assert np.isfinite(training["loss"]).all()


def test_a_checkpoint_of_other_settings_is_refused(source, tmp_path):
    meta_train(TINY, tmp_path, source)
    with pytest.raises(ConfigError, match=r"lr = 0\.05, not 0\.1"):
        meta_train(TINY.but(lr=0.1), tmp_path, source, resume=True)


@pytest.mark.parametrize("damage", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"junk" * 100])
def test_a_damaged_checkpoint_is_a_clear_error(source, tmp_path, damage):
    (tmp_path / "state.safetensors").write_bytes(damage)
    with pytest.raises(StudyError, match="damaged"):
        meta_train(TINY, tmp_path, source, resume=True)


def test_a_full_disk_is_a_clear_error_and_keeps_the_last_checkpoint(source, tmp_path, monkeypatch):
    trainer = MetaTrainer(TINY, source)
    trainer.iterate()
    trainer.save(tmp_path)
    before = (tmp_path / "state.safetensors").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lambda_core.training.checkpoint.save_file", full)
    with pytest.raises(StudyError, match="No space left"):
        trainer.save(tmp_path)
    assert (tmp_path / "state.safetensors").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
