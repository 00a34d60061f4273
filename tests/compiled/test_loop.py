"""The compiled loop against the definition, where it applies and where it must not; `tests/adaptation` tries both loops
on everything else.
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lambda_core.adaptation import InnerLoop, adapt, adapt_by_definition, loop_for
from lambda_core.backbones import Backbone, conv4, mlp
from lambda_core.compiled import CompiledLoop, buffers
from lambda_core.compiled.applies import compiled_loop
from lambda_core.patterns import LambdaPattern

STEPS, LR, WAYS = 3, 0.05, 3
PATTERNS = ["".join(digits) for digits in product("01", repeat=5)]
STEP_BY_STEP = ["00001/11111/00000/00110", "11000/00001", "00111/10000/00001"]
FINER = ["nnnn1", "nnnnn", "n0000", "0000n", "01n01", "n1n01/00n11/0000n", "1000n/nnnn0"]


def _model(dtype, channels=3, size=16, filters=6):
    torch.manual_seed(0)
    model = conv4(WAYS, filters, channels, size).to(dtype)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            nn.init.uniform_(parameter, -1.5, 1.5)  # channels that pool minima, too
    return model


def _support(dtype, images, channels=3, size=16):
    torch.manual_seed(1)
    return torch.randn(images, channels, size, size, dtype=dtype), torch.arange(images) % WAYS


def _largest_error(model, x, y, text, steps=STEPS):
    pattern = LambdaPattern.parse(text, 5)
    plain = adapt_by_definition(model, x, y, pattern, steps, LR)
    fast = adapt(model, x, y, pattern, steps, LR)
    pairs = [(own[name], plain[f"{layer}.{name}"])
             for layer, own in zip(fast.backbone.names, fast.weights, strict=True) for name in own]  # fmt: skip
    assert all(one.shape == other.shape for one, other in pairs)
    return max(float(((one - other).norm() / other.norm()).detach()) for one, other in pairs)


def _applies(model, x, y, loss=F.cross_entropy):
    backbone = Backbone.of(model)
    return compiled_loop(backbone, backbone.detached_weights(), x, y, LR, loss) is not None


@pytest.mark.parametrize("text", [*PATTERNS, *STEP_BY_STEP, *FINER])
def test_every_pattern_gives_the_definitions_weights(text):
    model, (x, y) = _model(torch.float64), _support(torch.float64, 6)
    assert _applies(model, x, y)
    assert _largest_error(model, x, y, text) < 1e-10


@pytest.mark.parametrize(("channels", "size"), [(1, 16), (2, 21), (3, 35), (5, 18)])
@pytest.mark.parametrize("text", ["11111", "01010", "00001"])
def test_odd_sizes_and_any_channels(text, channels, size):
    model, (x, y) = _model(torch.float64, channels, size), _support(torch.float64, 6, channels, size)
    assert _largest_error(model, x, y, text) < 1e-10


@pytest.mark.parametrize("filters", [1, 5, 16, 33, 64])
@pytest.mark.parametrize("text", ["11111", "00110"])
def test_any_number_of_filters(text, filters):
    model, (x, y) = _model(torch.float64, filters=filters), _support(torch.float64, 6)
    assert _largest_error(model, x, y, text) < 1e-10


@pytest.mark.parametrize("text", ["11111", "00011", "00001"])
@pytest.mark.parametrize("images", [5, 25])
def test_float32_is_right_to_its_own_rounding(text, images):
    """Against float64. Where rounding decides a maximum, the definition in float32 is off by more: then by no more."""
    torch.manual_seed(0)
    model, (x, y) = conv4(WAYS, 32, 3, 32), _support(torch.float32, images, size=32)
    pattern = LambdaPattern.parse(text, 5)
    exact = adapt_by_definition(copy.deepcopy(model).double(), x.double(), y, pattern, 5, LR)
    plain, fast = adapt_by_definition(model, x, y, pattern, 5, LR), adapt(model, x, y, pattern, 5, LR)
    ours = {f"{layer}.{name}": value for layer, own in zip(fast.backbone.names, fast.weights, strict=True)
            for name, value in own.items()}  # fmt: skip
    errors = [
        max(float(((found[name] - value).norm() / value.norm()).detach()) for name, value in exact.items())
        for found in (ours, plain)
    ]
    assert errors[0] < max(1e-4, 1.1 * errors[1])


def test_scales_of_zero_and_a_head_without_a_bias():
    model, (x, y) = _model(torch.float64), _support(torch.float64, 6)
    with torch.no_grad():
        model.conv2.norm.weight[0] = 0
    model.head = nn.Linear(model.head.in_features, WAYS, bias=False).double()
    assert _applies(model, x, y)
    assert _largest_error(model, x, y, "11111") < 1e-10


def test_losses_are_those_before_the_steps():
    model, (x, y) = _model(torch.float64), _support(torch.float64, 6)
    backbone, rows = Backbone.of(model), LambdaPattern.parse("00111/00001", 5).rows_for(4)
    fast = loop_for(backbone, backbone.detached_weights(), x, y, LR, rows)
    plain = InnerLoop(backbone, backbone.detached_weights(), x, y, LR)
    assert isinstance(fast, CompiledLoop)
    assert torch.allclose(fast.run(rows), plain.run(rows), atol=1e-12)


def test_buffers_that_are_used_again_leave_earlier_results_alone():
    model, (x, y) = _model(torch.float64), _support(torch.float64, 6)
    pattern = LambdaPattern.named("maml", 5)
    first = adapt(model, x, y, pattern, STEPS, LR)
    before = [{name: value.clone() for name, value in own.items()} for own in first.weights]
    adapt(model, -x, y, pattern, STEPS, LR)
    for own, earlier in zip(first.weights, before, strict=True):
        assert all(torch.equal(own[name], earlier[name]) for name in own)


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: weight.data.mul_(2),
        lambda weight: setattr(weight, "data", 2 * weight.data),
        lambda weight: setattr(weight, "data", weight.data.transpose(0, 1)),  # as many rows as columns
        lambda weight: setattr(weight, "data", 2 * weight.data.transpose(0, 1)),
    ],
)
def test_weights_that_changed_in_between_are_read_anew(change):
    model, (x, y) = _model(torch.float64), _support(torch.float64, 6)
    assert _largest_error(model, x, y, "00001") < 1e-10
    change(model.conv2.conv.weight)
    assert _largest_error(model, x, y, "00001") < 1e-10


def test_a_heads_weight_that_is_no_view_in_the_kernels_shape_is_read_anew():
    model, (x, y) = _model(torch.float64), _support(torch.float64, 6)
    model.head.weight.data = model.head.weight.data.t().contiguous().t()
    for _ in range(2):
        assert _largest_error(model, x, y, "00001") < 1e-10
        model.head.weight.data.mul_(2)


def test_waiting_buffers_of_many_kinds_take_no_more_memory_than_they_may(monkeypatch):
    monkeypatch.setattr(buffers, "_waiting", [])
    monkeypatch.setattr(buffers, "WAITING_BYTES", 1 << 20)
    model, pattern = _model(torch.float64), LambdaPattern.named("anil", 5)
    for images in range(3, 12):
        adapt(model, *_support(torch.float64, images), pattern, 1, LR)
    assert 0 < sum(each.nbytes for each in buffers._waiting) <= 1 << 20
    assert buffers._waiting[-1].key[1] == 11


def test_threads_at_once_do_not_disturb_each_other():
    model, pattern = _model(torch.float64), LambdaPattern.named("maml", 5)
    supports = [(x * factor, y) for factor in (1, 2, 3, 4) for x, y in [_support(torch.float64, 6)]]
    alone = [adapt(model, x, y, pattern, STEPS, LR).weights for x, y in supports]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda pair: adapt(model, *pair, pattern, STEPS, LR).weights, supports * 5))
    for number, weights in enumerate(together):
        for own, wanted in zip(weights, alone[number % 4], strict=True):
            assert all(torch.equal(own[name], wanted[name]) for name in own)


def test_inference_mode_around_it_and_the_same_buffers_outside():
    model, (x, y) = _model(torch.float64), _support(torch.float64, 12)
    pattern = LambdaPattern.named("maml", 5)
    with torch.inference_mode():
        inside = adapt(model, x, y, pattern, STEPS, LR)
    outside = adapt(model, x, y, pattern, STEPS, LR)
    assert torch.equal(inside.weights[0]["conv.weight"], outside.weights[0]["conv.weight"])
    assert not inside.weights[0]["conv.weight"].is_inference()


def _frozen():
    model = _model(torch.float32)
    model.conv1.norm.weight.requires_grad_(False)
    return model


def _hooked():
    model = _model(torch.float32)
    model.conv2.conv.register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    ("reason", "build"),
    [
        ("other blocks", lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 14 * 14, WAYS))),
        ("a frozen parameter", _frozen),
        ("a hook", _hooked),
    ],
)
def test_other_models_take_the_other_loop(reason, build):
    x, y = _support(torch.float32, 6)
    assert not _applies(build(), x, y), reason


def test_other_inputs_and_losses_take_the_other_loop():
    model, (x, y) = _model(torch.float32), _support(torch.float32, 6)
    assert not _applies(model, x, y, F.mse_loss)
    assert not _applies(model, x, torch.full_like(y, -100))
    assert not _applies(model, x, y + WAYS)
    assert not _applies(model, x.double(), y)
    assert not _applies(model, x, y.int())
    assert not _applies(mlp(2, 2), torch.randn(3, 2), y[:3])
    with torch.autocast("cpu"):
        assert not _applies(model, x, y)
