"""Classification before meta-training: what it starts from and ends with; stop and resume, bit for bit."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lambda_core.backbones import build_model, fill_but_head
from lambda_core.config import MetaTrainConfig
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.episodes.source import Source
from lambda_core.errors import ConfigError, ModelError, StudyError
from lambda_core.system.progress import Meter
from lambda_core.training.meta_trainer import MetaTrainer, meta_train
from lambda_core.training.pretraining import BATCH, LR, Classifier, pretrain
from tests.support.tiny import tiny_dataset, tiny_source

TINY = MetaTrainConfig(
    dataset="tiny", ways=3, queries=4, filters=4, steps=2, iterations=2, meta_batch=1, validate_every=2,
    validation_episodes=2, pretrain_epochs=3,
)  # fmt: skip


@pytest.fixture
def source() -> Source:
    return tiny_source()


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def test_batches_show_every_training_image_once_with_its_class():
    data = tiny_dataset()
    bank = EpisodeBank(data, "train", 3, 1, 4)
    shown = torch.cat([x for x, _ in bank.batches(10, 0)]), torch.cat([y for _, y in bank.batches(10, 0)])
    assert len(shown[0]) == len({image.numpy().tobytes() for image in shown[0]}) == 60
    for image, label in zip(*shown, strict=True):
        places = bank.classes[label][1]
        pixels = ((image.permute(1, 2, 0) + 1) * 127.5).round().to(torch.uint8).numpy()
        assert (data.images[places] == pixels).all((1, 2, 3)).any()


def test_each_pass_has_an_order_of_its_own_and_the_rest_is_dropped():
    bank = EpisodeBank(tiny_dataset(), "train", 3, 1, 4)
    first, again, second = (torch.cat([y for _, y in bank.batches(16, epoch)]) for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert len(first) == 48


def test_turned_classes_are_shown_turned():
    data = tiny_dataset()
    bank = EpisodeBank(data, "train", 3, 1, 4, rotations=True)
    batches = list(bank.batches(20, 0))
    assert sum(len(y) for _, y in batches) == 240
    for image, label in zip(batches[0][0], batches[0][1], strict=True):
        name, places, turn = bank.classes[label]
        pixels = ((image.permute(1, 2, 0) + 1) * 127.5).round().to(torch.uint8)
        upright = torch.rot90(pixels, -turn, (0, 1)).numpy()
        assert (data.images[places] == upright).all((1, 2, 3)).any(), name


def test_the_classes_are_learned_by_plain_momentum_descent(source):
    ours = Classifier(TINY, source)
    plain = build_model(TINY, *source.input, outputs=6)
    descent = torch.optim.SGD(plain.parameters(), lr=LR, momentum=0.9, weight_decay=5e-4, nesterov=True)
    x, y = next(ours.bank.batches(ours.batch, 0))
    F.cross_entropy(plain(x), y).backward()
    descent.step()
    ours.batches = 1
    ours.run_epoch(Meter("", 1, None))
    assert ours.batch == min(BATCH, 60)
    assert _same(ours.model.state_dict(), plain.state_dict())


def test_it_learns(source, tmp_path):
    found = pretrain(TINY.but(pretrain_epochs=40), tmp_path, source)
    assert found.accuracy > 0.8
    assert found.seconds > 0


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_resumed_classification_ends_bit_for_bit_where_an_unbroken_one_does(source, tmp_path, epochs):
    unbroken = pretrain(TINY, tmp_path / "a", source)
    broken = Classifier(TINY, source)
    for _ in range(epochs):
        broken.run_epoch(Meter("", 1, None))
    broken.save(tmp_path / "b" / "pretraining.safetensors")
    resumed = pretrain(TINY, tmp_path / "b", source, resume=True)
    assert _same(unbroken.weights, resumed.weights)
    assert (unbroken.loss, unbroken.accuracy) == (resumed.loss, resumed.accuracy)


def test_meta_training_goes_on_from_it_and_resumes_to_the_same_end(source, tmp_path):
    whole = meta_train(TINY, tmp_path / "a", source)
    trainer = MetaTrainer(TINY, source)
    found = pretrain(TINY, tmp_path / "b", source)
    trainer.start_from(found)
    assert torch.equal(trainer.model.state_dict()["conv2.conv.weight"], found.weights["conv2.conv.weight"])
    assert trainer.seconds == found.seconds
    trainer.iterate()
    trainer.save(tmp_path / "b")
    rest = meta_train(TINY, tmp_path / "b", source, resume=True)
    assert _same(whole.model.state_dict(), rest.model.state_dict())
    assert rest.pretraining == {"seconds": found.seconds, "loss": found.loss, "accuracy": found.accuracy}


def test_a_run_stopped_while_it_classified_goes_on_there(source, tmp_path):
    whole = meta_train(TINY, tmp_path / "a", source)
    broken = Classifier(TINY, source)
    broken.run_epoch(Meter("", 1, None))
    broken.save(tmp_path / "b" / "pretraining.safetensors")
    assert _same(whole.model.state_dict(), meta_train(TINY, tmp_path / "b", source, resume=True).model.state_dict())


def test_studies_of_other_episodes_may_share_a_classification(source, tmp_path):
    found = pretrain(TINY, tmp_path, source)
    shared = pretrain(TINY.but(ways=2, shots=2, lr=0.3, iterations=9), tmp_path, source, resume=True)
    assert _same(found.weights, shared.weights)
    with pytest.raises(ConfigError, match="filters = 4, not 5"):
        pretrain(TINY.but(filters=5), tmp_path, source, resume=True)


def test_the_head_starts_with_equal_rows(source):
    wide = build_model(TINY.but(seed=1), *source.input, outputs=6).state_dict()
    model = build_model(TINY, *source.input)
    fill_but_head(model, wide, "equal")
    state = model.state_dict()
    assert all(torch.equal(state[name], wide[name]) for name in state if not name.startswith("head"))
    for row, bias in zip(state["head.weight"], state["head.bias"], strict=True):
        assert torch.equal(row, wide["head.weight"].mean(0))
        assert torch.equal(bias, wide["head.bias"].mean())


def test_weights_of_another_backbone_are_refused_with_the_name_of_what_does_not_fit(source):
    model = build_model(TINY, *source.input)
    other = build_model(TINY.but(filters=5), *source.input).state_dict()
    with pytest.raises(ModelError, match=r"conv1\.conv\.weight is \(5, 1, 3, 3\), not \(4, 1, 3, 3\)"):
        fill_but_head(model, other, "equal")
    other.pop("conv1.conv.weight")
    with pytest.raises(ModelError, match=r"lack conv1\.conv\.weight"):
        fill_but_head(model, other, "equal")


def test_a_regression_has_no_classes():
    with pytest.raises(ConfigError, match="sinusoid has no classes"):
        Classifier(MetaTrainConfig(dataset="sinusoid", backbone="mlp", ways=1, pretrain_epochs=1), Source("sinusoid"))


def test_a_damaged_checkpoint_is_a_clear_error(source, tmp_path):
    (tmp_path / "pretraining.safetensors").write_bytes(b"junk" * 100)
    with pytest.raises(StudyError, match="damaged"):
        pretrain(TINY, tmp_path, source, resume=True)
