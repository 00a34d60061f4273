"""Meta-gradients within a limit of memory: step by step equals all at once, holds less, and what is counted is held."""

from __future__ import annotations

import pytest
import torch
from click.testing import CliRunner
from torch.nn import functional as F

from lambda_core.backbones import Backbone, conv4, mlp, resnet12
from lambda_core.commands.main import main
from lambda_core.compiled import compiled_meta_bytes
from lambda_core.compiled.buffers import Buffers
from lambda_core.episodes import Episode
from lambda_core.errors import ConfigError
from lambda_core.kernels import LiveBytes
from lambda_core.patterns import LambdaPattern
from lambda_core.training.fitting import AS_IT_COMES, Fitted, fitted, needed_bytes
from lambda_core.training.meta_gradient import add_meta_gradient
from lambda_core.training.objective import Objective
from lambda_core.training.stepwise import stepwise_gradient

KINDS = {
    "compiled": lambda: conv4(3, 4, 1, 16),
    "by autograd": lambda: conv4(3, 4, 1, 16),
    "resnet": lambda: resnet12(3, 2, 1),
    "mlp": lambda: mlp(2, 3, 6),
}


def _case(kind, pattern, steps=3):
    torch.manual_seed(0)
    model = KINDS[kind]().double()
    shape = (2,) if kind == "mlp" else (1, 16, 16)
    x, q = (torch.randn(count, *shape, dtype=torch.float64) for count in (6, 9))
    episode = Episode(x, torch.arange(6) % 3, q, torch.arange(9) % 3)
    statistics = "support" if kind == "by autograd" else "transductive"
    backbone = Backbone.of(model)
    rows = LambdaPattern.parse(pattern[: len(backbone.layers)], len(backbone.layers)).rows_for(steps)
    return Objective(backbone, 0.1, F.cross_entropy, statistics), model, episode, rows


def _gradient(objective, model, episode, rows, order, fit):
    model.zero_grad()
    found = add_meta_gradient(objective, model, [episode], range(1), rows, order=order, device="cpu", fitted=fit)
    return found, [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in model.parameters()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", ["11111", "00110", "10000"])
@pytest.mark.parametrize("order", ["second", "first"])
def test_steps_taken_again_give_the_same_gradient(kind, pattern, order):
    case = _case(kind, pattern)
    (whole, plain), (again, ours) = (_gradient(*case, order, fit) for fit in (AS_IT_COMES, Fitted(keeps=False)))
    assert again == pytest.approx(whole, rel=1e-9)
    # a step without a graph may be a compiled one: equal to rounding, which ResNet-12's steps enlarge
    largest = max(float(value.norm()) for value in plain)
    for one, other in zip(ours, plain, strict=True):
        assert float((one - other).norm()) < 1e-8 * largest


def test_by_autograd_more_steps_hold_no_more_where_each_is_taken_again():
    def held(steps, keeps):
        objective, _, episode, rows = _case("by autograd", "11111", steps)
        return needed_bytes(objective, episode, rows, "second", "cpu", keeps=keeps), _live(objective, episode, rows)

    (two, _), (eight, measured) = held(2, False), held(8, False)
    assert eight == two
    assert measured < 1.3 * eight
    assert held(8, True)[0] > 3 * eight


def _live(objective, episode, rows):
    with LiveBytes() as live:
        stepwise_gradient(objective, episode, rows)
    return live.most


def test_what_is_counted_of_a_whole_meta_gradient_is_what_lives():
    objective, _, episode, rows = _case("by autograd", "11111", 5)
    with LiveBytes() as live:
        loss, _ = objective.loss_after_adaptation(objective.backbone.weights(), episode, rows)
        torch.autograd.grad(loss, objective.trainable())
    assert needed_bytes(objective, episode, rows, "second", "cpu", keeps=True) == pytest.approx(live.most, rel=0.1)


@pytest.mark.parametrize("keeps", [True, False])
def test_what_is_counted_of_a_compiled_one_is_what_its_buffers_take(keeps, monkeypatch):
    objective, _, episode, rows = _case("compiled", "11111", 4)
    taken = []

    def borrow(*key):
        taken.append(Buffers(*key))
        return taken[-1]

    for module in ("loop", "second_order.hessian_product"):
        monkeypatch.setattr(f"lambda_core.compiled.{module}.borrow", borrow)
    objective.compiled(episode, rows, second_order=True, keeps=keeps)
    counted = compiled_meta_bytes(objective.backbone, episode.support_x, episode.query_x, rows, keeps=keeps)
    assert len(taken) == (6 if keeps else 3)
    assert counted == pytest.approx(sum(each.nbytes for each in taken), rel=0.1)


@pytest.mark.parametrize("kind", ["compiled", "by autograd"])
def test_the_limit_chooses_how_and_refuses_what_cannot_be(kind):
    objective, _, episode, rows = _case(kind, "11111", 5)
    whole, least = (needed_bytes(objective, episode, rows, "second", "cpu", keeps=keeps) for keeps in (True, False))
    assert least < whole
    assert fitted(objective, episode, rows, "second", "cpu", whole).keeps
    assert not fitted(objective, episode, rows, "second", "cpu", whole - 1).keeps
    with pytest.raises(ConfigError, match=r"5 steps\) needs about \d MB at once even step by step.*allow more"):
        fitted(objective, episode, rows, "second", "cpu", least - 1)


def test_a_size_that_is_none_is_a_sentence(tmp_path):
    for text in ("512", "0G", "many", "-4G"):
        arguments = ["train", "--dataset", "glyphs", "--out", str(tmp_path / "s"), f"--memory-limit={text}"]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2
        assert "a size such as 512M or 4G" in done.output
