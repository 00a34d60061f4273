"""Every entry point on a CUDA card, worn as a badge by CPU tensors: the CPU's numbers, and one read-back at most."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lambda_core.adaptation import adapt, adapt_many, adaptation_steps, query_logits, trace
from lambda_core.backbones import Backbone, conv4, mlp, resnet12
from lambda_core.config import QUERY_STATISTICS, TimingConfig
from lambda_core.episodes import Episode, EpisodeBank
from lambda_core.errors import ConfigError
from lambda_core.measurement import LiveRunner, measure_times, sweep
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import Candidate
from tests.support.badge import Card
from tests.support.tiny import tiny_dataset

STEPS, LR = 3, 0.1
BUILD = {"conv4": lambda: conv4(3, 4, 1, 16), "resnet12": lambda: resnet12(3, 2, 1)}
TEXTS = ["11111", "00001", "00110", "10000", "11111/00001", "00001/00110/00001", "00000"]
CASES = [(backbone, text) for backbone in BUILD for text in TEXTS]


@pytest.fixture
def card():
    with Card() as opened:
        yield opened


@pytest.fixture(scope="module")
def bank():
    return EpisodeBank(tiny_dataset(), "val", 3, 2, 4, seed=0)


def _model(backbone: str) -> torch.nn.Sequential:
    torch.manual_seed(0)
    return BUILD[backbone]().double()


def _double(episode: Episode) -> Episode:
    return episode.to(dtype=torch.float64)


class Doubles:
    """A bank in float64, so that two orders of summing cannot be told from an error."""

    def __init__(self, bank: EpisodeBank) -> None:
        self.bank = bank

    def __getitem__(self, index: int) -> Episode:
        return _double(self.bank[index])


def _same(on_card, on_cpu, tolerance=1e-10):
    for ours, theirs in zip(on_card, on_cpu, strict=True):
        for name, value in theirs.items():
            assert ours[name].is_cuda
            assert torch.allclose(ours[name].detach().cpu(), value, rtol=tolerance, atol=tolerance), name


@pytest.mark.parametrize(("backbone", "text"), CASES)
def test_adapt(backbone, text, bank):
    pattern, here = LambdaPattern.parse(text, 5), _double(bank[0])
    on_cpu = adapt(_model(backbone), here.support_x, here.support_y, pattern, STEPS, LR)
    with Card() as card:
        there = here.to("cuda")
        adapted = adapt(_model(backbone).to("cuda"), there.support_x, there.support_y, pattern, STEPS, LR)
        assert not card.read_backs
        assert adapted.losses == pytest.approx(on_cpu.losses, rel=1e-10, nan_ok=True)
        assert sum(card.read_backs.values()) == 1
        _same(adapted.weights, on_cpu.weights)
        logits = query_logits(adapted.backbone, adapted.weights, there.support_x, there.query_x, "support")
        wanted = query_logits(on_cpu.backbone, on_cpu.weights, here.support_x, here.query_x, "support")
        assert torch.allclose(logits.detach().cpu(), wanted)
        assert torch.allclose(adapted.model(there.query_x).detach().cpu(), on_cpu.model(here.query_x))


def test_a_regression_reads_nothing_back():
    torch.manual_seed(0)
    x, y, pattern = torch.randn(7, 1), torch.randn(7, 1), LambdaPattern.parse("101", 3)
    model = mlp(hidden=8)
    on_cpu = adapt(model, x, y, pattern, STEPS, LR, F.mse_loss)
    with Card() as card:
        adapted = adapt(model.to("cuda"), x.to("cuda"), y.to("cuda"), pattern, STEPS, LR, F.mse_loss)
        assert not card.read_backs
        _same(adapted.weights, on_cpu.weights, 1e-5)


def test_adaptation_steps(card, bank):
    there, model = _double(bank[0]).to("cuda"), _model("conv4").to("cuda")
    states = list(adaptation_steps(model, there.support_x, there.support_y, LambdaPattern.parse("00011", 5), STEPS, LR))
    assert not card.read_backs
    assert states[-1].losses[:2] == pytest.approx(states[-2].losses)


def test_the_heads_steps_are_as_few_operations_as_on_a_cpu(card, bank):
    """Five more steps of the head cost six operations each; by autograd they cost some thirty."""
    there, model = bank[0].to("cuda"), conv4(3, 4, 1, 16).to("cuda")
    counts = []
    for steps in (5, 10):
        before = card.kernels
        adapt(model, there.support_x, there.support_y, LambdaPattern.named("anil", 5), steps, LR)
        counts.append(card.kernels - before)
    assert counts[1] - counts[0] <= 5 * 8


@pytest.mark.parametrize("text", TEXTS)
def test_adapt_many(text, bank):
    pattern, here = LambdaPattern.parse(text, 5), [_double(bank[index]) for index in range(3)]
    x, y = (torch.stack([getattr(each, name) for each in here]) for name in ("support_x", "support_y"))
    on_cpu = [adapt(_model("conv4"), each.support_x, each.support_y, pattern, STEPS, LR).weights for each in here]
    with Card() as card:
        many = adapt_many(_model("conv4").to("cuda"), x.to("cuda"), y.to("cuda"), pattern, STEPS, LR)
        assert not card.read_backs
        for index, alone in enumerate(on_cpu):
            _same([{name: value[index] for name, value in own.items()} for own in many], alone)


@pytest.mark.usefixtures("card")
def test_adapt_many_goes_in_chunks_that_fit(bank, monkeypatch):
    """A card too small for three episodes takes two, then the rest."""
    here = [_double(bank[index]) for index in range(5)]
    x, y = (torch.stack([getattr(each, name) for each in here]).to("cuda") for name in ("support_x", "support_y"))
    pattern, model = LambdaPattern.parse("00011", 5), _model("conv4").to("cuda")
    whole = adapt_many(model, x, y, pattern, 2, LR)
    sizes, plain = [], torch.vmap

    def short_of_memory(function):
        def call(weights, inputs, *rest):
            sizes.append(len(inputs))
            if len(inputs) > 2:
                raise torch.OutOfMemoryError("too large for this card")
            return plain(function)(weights, inputs, *rest)

        return call

    monkeypatch.setattr(torch, "vmap", short_of_memory)
    parts = adapt_many(model, x, y, pattern, 2, LR)
    assert sizes[0] == 5
    assert set(sizes[1:]) == {2, 1}
    for ours, theirs in zip(parts, whole, strict=True):
        assert all(torch.allclose(ours[name].cpu(), theirs[name].cpu(), atol=1e-12) for name in theirs)


@pytest.mark.parametrize("statistics", QUERY_STATISTICS[:2])
def test_trace(statistics, bank):
    pattern, here = LambdaPattern.parse("00000/00011", 5), _double(bank[0])
    on_cpu = trace(_model("conv4"), here, pattern, STEPS, LR, statistics)
    with Card() as card:
        traced = trace(_model("conv4").to("cuda"), here.to("cuda"), pattern, STEPS, LR, statistics)
        assert sum(card.read_backs.values()) == 1
    assert traced.plan == on_cpu.plan
    for ours, theirs in zip(traced.states, on_cpu.states, strict=True):
        assert (ours.predictions == theirs.predictions).all()
        assert np.allclose(ours.probabilities, theirs.probabilities)
        assert (ours.support_loss, ours.query_loss, ours.accuracy) == pytest.approx(
            (theirs.support_loss, theirs.query_loss, theirs.accuracy)
        )


@pytest.mark.parametrize("statistics", QUERY_STATISTICS[:2])
def test_sweep_moves_its_episodes_and_reads_once_for_all(statistics, bank):
    patterns = [LambdaPattern.parse(text, 5) for text in ("00001", "00110", "11111")]
    arguments = (Doubles(bank), [0, 3, 4], patterns, 2, LR)
    on_cpu = sweep(_model("conv4"), *arguments, scales=(1.0, 2.0), query_statistics=statistics)
    with Card() as card:
        swept = sweep(_model("conv4").to("cuda"), *arguments, scales=(1.0, 2.0), query_statistics=statistics)
        assert sum(card.read_backs.values()) == 1
    assert swept.drop(columns="loss").equals(on_cpu.drop(columns="loss"))
    assert np.allclose(swept["loss"], on_cpu["loss"], rtol=1e-6)


def test_a_race_runs_its_candidates_on_many_episodes_at_once(bank):
    candidates = [Candidate(text, 2, LR) for text in ("11111", "00001", "00011/00001")]
    on_cpu = LiveRunner(Backbone.of(_model("conv4")), Doubles(bank), LR)(candidates, range(4))
    with Card() as card:
        found = LiveRunner(Backbone.of(_model("conv4").to("cuda")), Doubles(bank), LR)(candidates, range(4))
        assert sum(card.read_backs.values()) == 1
    assert np.array_equal(found, on_cpu)


def test_times(card, bank):
    patterns = LambdaPattern.enumerate(5)[1:3]
    model = conv4(3, 4, 1, 16)  # on the CPU: it is moved, and the one that was given stays
    products = ([1] * 5, [0] * 5)
    table = measure_times(model, bank, patterns, 2, LR, products, TimingConfig(repeats=2, device="cuda"))
    assert not card.read_backs
    assert set(table["device"]) == {"cuda"}
    assert not next(model.parameters()).is_cuda


def test_a_device_that_is_not_there_is_a_sentence(bank):
    with pytest.raises(ConfigError, match="sees no GPU on this machine: use the device cpu instead of cuda"):
        measure_times(conv4(3, 4, 1, 16), bank, [], 1, LR, ([], []), TimingConfig(device="cuda"))


# --- the badge itself ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("card")
def test_the_badge_refuses_what_a_card_would():
    x, y = torch.ones(2, device="cuda"), torch.ones(2)
    assert x.is_cuda
    with pytest.raises(RuntimeError, match="same device"):
        x + y
    assert (x + torch.tensor(1.0)).is_cuda  # a number may come from anywhere
    with pytest.raises(TypeError, match="numpy"):
        x.numpy()


@pytest.mark.parametrize(
    "read", [float, bool, lambda x: x.cpu(), lambda x: x.to("cpu"), lambda x: x.tolist(), lambda x: x.item()]
)
def test_the_badge_counts_what_waits_for_a_card(card, read):
    x = torch.ones((), device="cuda")
    assert not card.read_backs
    read(x)
    assert sum(card.read_backs.values()) == 1
