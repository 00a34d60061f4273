"""What is asked of a card again is captured and replayed: with other inputs and changed weights, the CPU's numbers.

The card is a badge (`tests/support/badge.py`): a graph runs the operations that were captured, over the same memory,
and no Python between them.
"""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lambda_core.adaptation import adapt, adapt_many, captured
from lambda_core.backbones import Backbone, conv4, resnet12
from lambda_core.patterns import LambdaPattern
from tests.support.badge import Card

STEPS, LR = 3, 0.1
BUILD = {"conv4": lambda: conv4(3, 4, 1, 16), "resnet12": lambda: resnet12(3, 2, 1)}


@pytest.fixture
def card():
    with Card() as opened:
        yield opened


def _model(name: str = "conv4") -> nn.Sequential:
    torch.manual_seed(0)
    return BUILD[name]().double()


def _episode(seed: int, count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 1, 16, 16, generator=generator, dtype=torch.float64)
    return x, torch.randint(0, 3, (count,), generator=generator)


def _agree(on_card, on_cpu):
    for ours, theirs in zip(on_card, on_cpu, strict=True):
        for name, value in theirs.items():
            assert torch.allclose(ours[name].cpu(), value, rtol=1e-10, atol=1e-10), name


def _on_card(backbone, x, y, pattern, loss=F.cross_entropy, lr=LR):
    return adapt(backbone, x.to("cuda"), y.to("cuda"), pattern, STEPS, lr, loss)


@pytest.mark.parametrize("name", BUILD)
@pytest.mark.parametrize("text", ["11111", "00111", "00001", "01010/00001/11111", "00000/10000"])
def test_every_time_the_numbers_are_the_cpus(name, text):
    pattern, plain, results = LambdaPattern.parse(text, 5), _model(name), []
    with Card() as card:
        backbone, operations = Backbone.of(_model(name).to("cuda")), []
        for seed in range(4):
            before = card.kernels
            results.append(_on_card(backbone, *_episode(seed), pattern))
            operations.append(card.kernels - before)
        assert not card.read_backs
        for seed, found in enumerate(results):  # after all of them: an earlier result stays what it was
            wanted = adapt(plain, *_episode(seed), pattern, STEPS, LR)
            _agree(found.weights, wanted.weights)
            assert found.losses == pytest.approx(wanted.losses, rel=1e-10, nan_ok=True)
    copies_in_and_out = 5 + sum(len(own) for own in backbone.weights())
    assert operations[2] == operations[3] <= copies_in_and_out < operations[0]


@pytest.mark.usefixtures("card")
def test_weights_that_change_in_place_or_are_replaced_are_seen():
    model, plain, pattern = _model().to("cuda"), _model(), LambdaPattern.parse("00011", 5)
    backbone = Backbone.of(model)
    for seed in range(2):
        _on_card(backbone, *_episode(seed), pattern)
    with torch.no_grad():
        model[0][0].weight.mul_(1.5)
        plain[0][0].weight.mul_(1.5)
    _agree(_on_card(backbone, *_episode(3), pattern).weights, adapt(plain, *_episode(3), pattern, STEPS, LR).weights)
    model[1][0].weight = nn.Parameter((plain[1][0].weight.detach() * 0.5).to("cuda"))
    plain[1][0].weight = nn.Parameter(plain[1][0].weight.detach() * 0.5)
    for seed in range(3):
        wanted = adapt(plain, *_episode(seed), pattern, STEPS, LR).weights
        _agree(_on_card(backbone, *_episode(seed), pattern).weights, wanted)


@pytest.mark.usefixtures("card")
def test_other_step_sizes_shapes_and_losses_are_other_graphs():
    backbone, plain, pattern = Backbone.of(_model().to("cuda")), _model(), LambdaPattern.parse("00011", 5)
    for _ in range(3):
        for lr in (0.1, 0.2, (0.0, 0.0, 0.0, 0.1, 0.3)):
            for count in (6, 9):
                found = _on_card(backbone, *_episode(count, count), pattern, lr=lr)
                _agree(found.weights, adapt(plain, *_episode(count, count), pattern, STEPS, lr).weights)


@pytest.mark.usefixtures("card")
def test_what_may_branch_on_values_is_never_captured():
    calls = []

    def loss(output, labels):
        calls.append(1)
        return F.cross_entropy(output, labels)

    class Counting(nn.Linear):
        def forward(self, x):
            calls.append(1)
            return super().forward(x)

    own = nn.Sequential(nn.Flatten(), Counting(256, 3)).double().to("cuda")
    for backbone, pattern, by in (
        (Backbone.of(_model().to("cuda")), LambdaPattern.parse("00001", 5), loss),
        (Backbone.of(own), LambdaPattern.parse("1", 1), F.cross_entropy),
    ):
        _on_card(backbone, *_episode(0), pattern, by)
        counts = []
        for seed in range(3):
            before = len(calls)
            _on_card(backbone, *_episode(seed), pattern, by)
            counts.append(len(calls) - before)
        assert counts[0] == counts[1] == counts[2] >= STEPS


def test_many_episodes_at_once_are_captured_too(card):
    pattern, backbone = LambdaPattern.parse("00111", 5), Backbone.of(_model().to("cuda"))
    for start in (0, 3, 6):
        x, y = (torch.stack(each) for each in zip(*(_episode(start + k) for k in range(3)), strict=True))
        before = card.kernels
        many = adapt_many(backbone, x.to("cuda"), y.to("cuda"), pattern, STEPS, LR)
        operations = card.kernels - before
        for k in range(3):
            alone = adapt(_model(), x[k], y[k], pattern, STEPS, LR).weights
            _agree([{name: value[k] for name, value in own.items()} for own in many], alone)
    assert operations < 30


@pytest.mark.usefixtures("card")
def test_so_many_graphs_are_kept_and_no_more(monkeypatch):
    monkeypatch.setattr("lambda_core.adaptation.graphs.GRAPHS", 3)
    backbone, pattern = Backbone.of(_model().to("cuda")), LambdaPattern.parse("00001", 5)
    for count in (6, 6, 7, 8, 9, 6, 6):
        found = _on_card(backbone, *_episode(0, count), pattern)
        _agree(found.weights, adapt(_model(), *_episode(0, count), pattern, STEPS, LR).weights)
        assert len(backbone.remembered["graphs"]._known) <= 3


def test_a_failure_on_the_way_leaves_nothing_behind(card):
    """An error of the work is the caller's; the next time it runs as if nothing had been."""
    backbone, broken = Backbone.of(_model().to("cuda")), [False]

    def work(x):
        if broken[0]:
            raise torch.OutOfMemoryError("too large for this card")
        return x + 1

    x = torch.ones(2).to("cuda")
    captured(backbone, [], "one more", work, x)
    broken[0] = True
    with pytest.raises(torch.OutOfMemoryError):
        captured(backbone, [], "one more", work, x)
    broken[0] = False
    for _ in range(2):
        assert captured(backbone, [], "one more", work, x).tolist() == [2, 2]
    assert card.recording is None


@pytest.mark.usefixtures("card")
def test_another_thread_replays_and_never_captures(monkeypatch):
    """The thread is another one by name only: the badge is worn in this one."""
    backbone, plain, pattern = Backbone.of(_model().to("cuda")), _model(), LambdaPattern.parse("00011", 5)
    graphs = sys.modules["lambda_core.adaptation.graphs"]

    def captured_after(seed):
        found = _on_card(backbone, *_episode(seed), pattern)
        _agree(found.weights, adapt(plain, *_episode(seed), pattern, STEPS, LR).weights)
        return [graph is not None for graph in backbone.remembered["graphs"]._known.values()]

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(graphs, "current_thread", lambda: "another")
        assert [captured_after(seed) for seed in range(3)] == [[False]] * 3
    assert captured_after(3) == [True]
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(graphs, "current_thread", lambda: "another")
        assert captured_after(4) == [True]
