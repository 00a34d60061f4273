"""The fast inner loop against the plain one: every per-layer pattern, random step × layer patterns, every backbone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lambda_core.adaptation import choosing
from lambda_core.adaptation.adapting import adapt, adaptation_steps
from lambda_core.adaptation.inner_loop import InnerLoop
from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.backbones.backbone import Backbone
from lambda_core.backbones.multiply_adds import layer_costs, layer_products
from lambda_core.backbones.networks import conv4, mlp, resnet12, resnet_stages
from lambda_core.errors import ModelError, PatternError
from lambda_core.patterns import Update
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.plan import plan_adaptation
from tests.support.oracle import Calls

STEPS, LR = 4, 0.1


@pytest.fixture(autouse=True, params=["compiled where it applies", "for any model"])
def _route(request, monkeypatch):
    """Everything here holds for both inner loops."""
    if request.param == "for any model":
        monkeypatch.setattr(choosing, "compiled_loop", lambda *_: None)


def _conv4(dtype):
    torch.manual_seed(0)
    model = conv4(ways=3, filters=4, channels=2, size=16).to(dtype)
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            torch.nn.init.uniform_(parameter, -1.5, 1.5)  # channels that pool minima, too
    x = torch.randn(6, 2, 16, 16, dtype=dtype).to(memory_format=torch.channels_last)
    return model, x, torch.arange(3).repeat(2), F.cross_entropy


def _mlp(dtype):
    torch.manual_seed(1)
    model = mlp(hidden=8).to(dtype)
    return model, torch.randn(7, 1, dtype=dtype), torch.randn(7, 1, dtype=dtype), F.mse_loss


def _resnet12(dtype):
    torch.manual_seed(2)
    model = resnet12(ways=3, filters=2, channels=1).to(dtype)
    x = torch.randn(3, 1, 16, 16, dtype=dtype).to(memory_format=torch.channels_last)
    return model, x, torch.arange(3), F.cross_entropy


def _own(dtype):
    """A user's own: unnamed layers, parameterless ones first, between and last, several kinds of norm."""
    torch.manual_seed(3)
    model = torch.nn.Sequential(
        torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(2, 4, 3),
        torch.nn.GroupNorm(2, 4),
        torch.nn.Tanh(),
        torch.nn.Flatten(),
        torch.nn.Linear(144, 6),
        torch.nn.BatchNorm1d(6, track_running_stats=False),
        torch.nn.Dropout(0.5),
        torch.nn.Linear(6, 3, bias=False),
        torch.nn.Hardtanh(),
    )
    return model.eval().to(dtype), torch.randn(6, 2, 16, 16, dtype=dtype), torch.arange(3).repeat(2), F.cross_entropy


def _running(dtype):
    """Running averages, frozen by .eval(): every layer is a fixed function of its weights, so restarts are right."""
    torch.manual_seed(4)
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    return model.eval().to(dtype), torch.randn(6, 4, dtype=dtype), torch.arange(3).repeat(2), F.cross_entropy


BACKBONES = {"conv4": _conv4, "mlp": _mlp, "resnet12": _resnet12, "own": _own, "running averages": _running}


def _random_patterns(layers: int, count: int) -> list[LambdaPattern]:
    random = np.random.RandomState(0)
    return [LambdaPattern.from_matrix(random.random_sample((STEPS, layers)) < 0.4) for _ in range(count)]


def _relative_errors(adapted, plain):
    found = [value for own in adapted.weights for value in own.values()]
    return [((a - b).norm() / b.norm().clamp_min(1e-12)).item() for a, b in zip(found, plain.values(), strict=True)]


def _spread(model, x, y, pattern, loss, plain):
    """How far the definition itself moves where the images change by a millionth: where a maximum hangs on rounding."""
    spread = 0.0
    for seed in range(12):
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
        moved = adapt_by_definition(model, x * (1 + 1e-6 * noise), y, pattern, STEPS, LR, loss)
        spread = max(spread, *(((moved[name] - value).norm() / value.norm().clamp_min(1e-12)).item()
                               for name, value in plain.items()))  # fmt: skip
    return spread


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_adapted_weights_equal_adapt_by_definition(backbone, dtype, tolerance):
    model, x, y, loss = BACKBONES[backbone](dtype)
    layers = len(Backbone.of(model).layers)
    # float32 gradients of a network with 13 normalisations differ by more than 1e-4 between two orders of summing
    tolerance *= 100 if (backbone, dtype) == ("resnet12", torch.float32) else 1
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for pattern in LambdaPattern.enumerate(layers) + _random_patterns(layers, 200):
        adapted = adapt(model, x, y, pattern, STEPS, LR, loss)
        plain = adapt_by_definition(model, x, y, pattern, STEPS, LR, loss)
        error = max(_relative_errors(adapted, plain))
        if error >= tolerance and dtype == torch.float32:
            tolerance_here = 1.1 * _spread(model, x, y, pattern, loss, plain)
            assert tolerance_here > tolerance, f"{pattern}: {error}"
            assert error < tolerance_here, str(pattern)
        else:
            assert error < tolerance, str(pattern)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.slow
def test_layers_taken_apart_follow_the_same_code():
    """Patterns over the nine groups of 4-CONV: each convolution and each normalisation by itself."""
    model, x, y, _ = _conv4(torch.float64)
    names = Backbone.of(model, split=True).names
    assert names == (*(f"conv{i}.{part}" for i in range(1, 5) for part in ("conv", "norm")), "head")
    for pattern in [*_random_patterns(9, 60), LambdaPattern.parse("010101011", 9)]:
        adapted = adapt(model, x, y, pattern, STEPS, LR)
        plain = adapt_by_definition(model, x, y, pattern, STEPS, LR, layers=names)
        assert max(_relative_errors(adapted, plain)) < 1e-10, str(pattern)
        plain_model = torch.func.functional_call(model, plain, (x,))
        assert torch.allclose(adapted.model(x), plain_model, atol=1e-9)


def test_normalisations_alone_rerun_no_first_convolution():
    """The second step restarts above conv1's convolution, which no step changes."""
    model, x, y, _ = _conv4(torch.float32)
    pattern, costs = LambdaPattern.parse("010101011", 9), layer_costs(Backbone.of(model, split=True), x)
    with Calls() as calls:
        adapt(model, x, y, pattern, 3, LR)
    once, again = costs[0], sum(costs[2:8])
    # forward, and backward to the inputs, of conv2 … conv4 at each step; the head's forward and both products
    assert calls.multiply_adds == once + 3 * (2 * again + 3 * costs[8])
    assert calls.multiply_adds == plan_adaptation(pattern, 3, costs).multiply_adds


@pytest.mark.slow
def test_torchvision_resnets_become_six_layers():
    from torchvision.models.resnet import BasicBlock, ResNet

    torch.manual_seed(0)
    model = resnet_stages(ResNet(BasicBlock, [1, 1, 1, 1], num_classes=3)).double()
    assert Backbone.of(model).names == ("stem", "layer1", "layer2", "layer3", "layer4", "head")
    x, y = torch.randn(3, 3, 64, 64, dtype=torch.float64), torch.arange(3)
    for text in ("111111", "000001", "000011", "011010", "100000/000001", "000001/001100"):
        pattern = LambdaPattern.parse(text, 6)
        adapted = adapt(model, x, y, pattern, 2, 0.01)
        plain = adapt_by_definition(model, x, y, pattern, 2, 0.01)
        assert max(_relative_errors(adapted, plain)) < 1e-10, text


def test_losses_are_the_support_loss_before_each_step():
    model, x, y, loss = _conv4(torch.float64)
    adapted = adapt(model, x, y, LambdaPattern.named("maml", 5), 3, LR)
    for steps, value in enumerate(adapted.losses):
        plain = adapt_by_definition(model, x, y, LambdaPattern.named("maml", 5), steps, LR)
        assert value == pytest.approx(loss(torch.func.functional_call(model, plain, (x,)), y).item(), abs=1e-10)


def test_the_adapted_model_computes_with_the_adapted_weights():
    model, x, y, _ = _conv4(torch.float64)
    pattern = LambdaPattern.parse("00011", 5)
    plain = adapt_by_definition(model, x, y, pattern, 3, LR)
    output = adapt(model, x, y, pattern, 3, LR).model(x)
    assert torch.allclose(output, torch.func.functional_call(model, plain, (x,)), atol=1e-10)


def test_a_step_that_updates_nothing_costs_nothing_and_says_so():
    model, x, y, _ = _conv4(torch.float32)
    with Calls() as calls:
        adapted = adapt(model, x, y, LambdaPattern.named("none", 5), 3, LR)
    assert calls.multiply_adds == 0
    assert all(math.isnan(value) for value in adapted.losses)


def test_earlier_states_stay_as_they_were():
    model, x, y, _ = _conv4(torch.float64)
    pattern = LambdaPattern.named("maml", 5)
    states = list(adaptation_steps(model, x, y, pattern, 3, LR))
    assert len(states) == 4
    for steps, state in enumerate(states):
        plain = adapt_by_definition(model, x, y, pattern, steps, LR)
        assert max(_relative_errors(state, plain)) < 1e-10


def test_head_only_runs_the_body_once_in_five_steps():
    model, x, y, _ = _conv4(torch.float32)
    *body, head = layer_costs(model, x)
    with Calls() as calls:
        adapt(model, x, y, LambdaPattern.named("anil", 5), 5, LR)
    assert calls.multiply_adds == sum(body) + 5 * 2 * head
    assert calls.kernels["convolution_backward"] == 0


def test_wide_images_run_four_convolutions_in_five_steps_and_none_backward():
    """Where every convolution is the library's own, none hides in a matrix product."""
    torch.manual_seed(0)
    model, x = conv4(2, 2, 1, 256), torch.randn(8, 1, 256, 256)
    with Calls() as calls:
        loop = InnerLoop(Backbone.of(model), Backbone.of(model).detached_weights(), x, torch.arange(2).repeat(4), LR)
        loop.run(LambdaPattern.named("anil", 5).rows_for(5))
    assert calls.kernels["convolution"] + calls.kernels["conv2d"] == 4
    assert calls.kernels["convolution_backward"] == 0


def _finer_patterns(layers, count):
    random = np.random.RandomState(1)
    return [LambdaPattern.from_matrix(random.randint(0, 3, (2, layers)).tolist()) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern", [*LambdaPattern.enumerate(5), *_random_patterns(5, 200), *_finer_patterns(5, 60)], ids=str
)
def test_the_plan_is_what_runs(pattern):
    model, x, y, _ = _conv4(torch.float32)
    plan = plan_adaptation(pattern, STEPS, layer_costs(model, x))
    with Calls() as calls:
        adapt(model, x, y, pattern, STEPS, LR)
    assert calls.multiply_adds == plan.multiply_adds


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["mlp", "resnet12", "own"])
def test_the_plan_is_what_runs_on_other_backbones(backbone):
    model, x, y, loss = BACKBONES[backbone](torch.float32)
    products = layer_products(model, x)
    layers = len(products[0])
    for pattern in [*LambdaPattern.enumerate(layers), *_random_patterns(layers, 60), *_finer_patterns(layers, 60)]:
        if backbone == "own" and any(row[-1] == Update.SCALES for row in pattern.rows_for(2)):
            continue  # its head has neither scale nor bias
        with Calls() as calls:
            adapt(model, x, y, pattern, STEPS, LR, loss)
        assert calls.multiply_adds == plan_adaptation(pattern, STEPS, *products).multiply_adds, str(pattern)


def test_multiply_adds_of_4_conv_are_those_of_its_formula():
    model = conv4(ways=5, filters=32, channels=3, size=32)
    x = torch.zeros(5, 3, 32, 32)
    body = [5 * (32 >> i) ** 2 * 9 * (3 if i == 0 else 32) * 32 for i in range(4)]
    assert layer_costs(model, x) == [*body, 5 * 128 * 5]


def test_a_pattern_for_other_layers_is_refused():
    model, x, y, _ = _conv4(torch.float32)
    with pytest.raises(PatternError, match="the layers are conv1, conv2, conv3, conv4, head"):
        adapt(model, x, y, LambdaPattern.parse("001", 3), 1, LR)


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: torch.nn.Linear(2, 2), "must be an nn.Sequential"),
        (lambda: torch.nn.Sequential(torch.nn.ReLU()), "no layer that owns parameters"),
        (lambda: torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5)), "dropout in training mode"),
        (lambda: torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1)), "running statistics"),
        (lambda: torch.nn.Sequential(*[torch.nn.Linear(2, 2)] * 2), "shares its parameters"),
    ],
)
def test_what_cannot_be_adapted_exactly_is_refused(build, complaint):
    with pytest.raises(ModelError, match=complaint):
        Backbone.of(build())
