"""Residual networks in the compiled loop, against the definition, and which of them it must leave alone."""

from __future__ import annotations

import copy
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lambda_core.adaptation import adapt, adapt_by_definition
from lambda_core.backbones import Backbone, resnet12
from lambda_core.compiled import compiled_loop
from lambda_core.patterns import LambdaPattern

STEPS, LR, WAYS = 2, 0.05, 3
PATTERNS = ["".join(digits) for digits in product("01", repeat=5)]
STEP_BY_STEP = ["00001/11111/00000/00110", "11000/00001", "00111/10000/00001"]


def _model(dtype=torch.float64, channels=3, filters=2):
    torch.manual_seed(0)
    model = resnet12(WAYS, filters, channels).to(dtype)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def _support(dtype=torch.float64, images=6, channels=3, size=16):
    torch.manual_seed(1)
    return torch.randn(images, channels, size, size, dtype=dtype), torch.arange(images) % WAYS


def _applies(model, x, y):
    backbone = Backbone.of(model)
    return compiled_loop(backbone, backbone.detached_weights(), x, y, LR, F.cross_entropy) is not None


def _largest_error(found, wanted):
    pairs = [(own[name], wanted[f"{layer}.{name}"])
             for layer, own in zip(found.backbone.names, found.weights, strict=True) for name in own]  # fmt: skip
    assert len(pairs) == len(wanted)
    return max(float(((one - other).norm() / other.norm()).detach()) for one, other in pairs)


def _error(model, x, y, text, steps=STEPS):
    assert _applies(model, x, y)
    pattern = LambdaPattern.parse(text, 5)
    wanted = adapt_by_definition(model, x, y, pattern, steps, LR)
    return _largest_error(adapt(model, x, y, pattern, steps, LR), wanted)


@pytest.mark.parametrize("text", [*PATTERNS, *STEP_BY_STEP])
def test_every_pattern_gives_the_definitions_weights(text):
    assert _error(_model(), *_support(), text, steps=3) < 1e-10


@pytest.mark.parametrize(("channels", "size", "filters"), [(1, 16, 1), (2, 21, 3), (3, 35, 5), (5, 18, 17), (3, 32, 8)])
@pytest.mark.parametrize("text", ["11111", "01010", "00001"])
def test_odd_sizes_any_channels_and_widths(text, channels, size, filters):
    x, y = _support(channels=channels, size=size)
    assert _error(_model(channels=channels, filters=filters), x, y, text) < 1e-10


def test_of_equal_maxima_the_first_one_takes_the_gradient():
    x, y = _support()
    patches = F.interpolate(x[:, :, ::8, ::8], scale_factor=8)  # large flat areas, as in drawn characters
    assert _error(_model(), patches, y, "11111") < 1e-10


@pytest.mark.parametrize("text", ["11111", "00011", "00001"])
def test_float32_is_right_to_its_own_rounding(text):
    """Against float64. Where rounding decides a maximum, the definition in float32 is off by more: then by no more."""
    model, (x, y) = _model(torch.float32, filters=8), _support(torch.float32, size=32)
    pattern = LambdaPattern.parse(text, 5)
    exact = adapt_by_definition(copy.deepcopy(model).double(), x.double(), y, pattern, STEPS, LR)
    plain = adapt_by_definition(model, x, y, pattern, STEPS, LR)
    errors = [float(((plain[name] - value).norm() / value.norm()).detach()) for name, value in exact.items()]
    assert _largest_error(adapt(model, x, y, pattern, STEPS, LR), exact) < max(1e-4, 1.1 * max(errors))


def _changed(change):
    model = _model(torch.float32)
    change(model)
    return model


def _hook(model):
    model.block2.body[3].register_forward_hook(lambda *_: None)


def _slope(model):
    model.block3.body[2].negative_slope = 0.2


def _bias(model):
    model.block1.shortcut[0] = nn.Conv2d(3, 2, 1)


def _running(model):
    model.block1.body[1] = nn.BatchNorm2d(2).eval()


def _strides(model):
    model.block1.body[3].dilation = (2, 2)
    model.block1.body[3].padding = (2, 2)


def _between(model):
    model.block2 = nn.Sequential(model.block2, nn.ReLU())


def _pooled(model):
    model.pool = nn.AdaptiveMaxPool2d(1)


def _frozen(model):
    model.block1.body[0].weight.requires_grad_(False)


def _deeper(model):
    model.head = nn.Sequential(model.head, nn.ReLU())


@pytest.mark.parametrize(
    "change",
    [_hook, _slope, _bias, _running, _strides, _between, _pooled, _frozen, _deeper],
    ids=lambda each: each.__name__,
)
def test_networks_that_compute_anything_else_take_the_other_loop(change):
    x, y = _support(torch.float32)
    assert _applies(_model(torch.float32), x, y)
    assert not _applies(_changed(change), x, y)


def test_images_too_small_to_be_halved_in_every_block_take_the_other_loop():
    x, y = _support(size=8)
    assert not _applies(_model(), x, y)
