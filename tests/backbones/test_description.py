"""A described network is the same function without its code, and no description makes anything but a network."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

from lambda_core.backbones import Normalise, Residual, ResidualBlock, conv4, described, from_description, resnet12
from lambda_core.backbones.description import MOST_MODULES
from lambda_core.errors import ModelError
from lambda_core.kernels import NormPool


def everyday() -> nn.Sequential:
    body = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=2), nn.GroupNorm(2, 6), nn.GELU("tanh"))
    return nn.Sequential(
        OrderedDict(
            normalise=Normalise([0.4, 0.5, 0.6], [0.2, 0.3, 0.4]),
            first=nn.Sequential(nn.Conv2d(3, 6, 3, 2, "valid", bias=False), nn.BatchNorm2d(6), nn.LeakyReLU(0.2)),
            second=Residual(body, nn.Conv2d(6, 6, 1)),
            pool=nn.AdaptiveAvgPool2d((2, 1)),
            flatten=nn.Flatten(),
            hidden=nn.Sequential(nn.Linear(12, 8), nn.LayerNorm(8), nn.Dropout(0.3), nn.ReLU6()),
            head=nn.Linear(8, 5, bias=False),
        )
    ).eval()


@pytest.mark.parametrize("make", [everyday, lambda: conv4(5, 4), lambda: resnet12(5, 2)])
def test_a_described_network_is_the_same_function(make):
    model, x = make(), torch.randn(4, 3, 32, 32)
    again = from_description(json.loads(json.dumps(described(model))), model.state_dict())
    assert torch.equal(again(x), model(x))
    assert [name for name, _ in again.named_parameters()] == [name for name, _ in model.named_parameters()]


def test_half_precision_on_disk_and_frozen_parameters_come_back():
    model = everyday()
    model.first[0].weight.requires_grad_(False)
    halves = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    again = from_description(described(model), halves)
    assert {value.dtype for value in again.parameters()} == {torch.float32}
    assert [name for name, value in again.named_parameters() if not value.requires_grad] == ["first.0.weight"]


class Doubled(nn.ReLU):
    def forward(self, x):
        return 2 * super().forward(x)


def hooked() -> nn.Module:
    layer = nn.ReLU()
    layer.register_forward_hook(lambda *_: None)
    return layer


def changed() -> nn.Module:
    norm = nn.BatchNorm2d(3)
    norm.running_mean = None
    return norm


@pytest.mark.parametrize(
    "odd", [Doubled(), hooked(), nn.LSTM(3, 3), changed(), nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 1))]
)
def test_what_code_alone_can_make_is_not_described(odd):
    assert described(nn.Sequential(odd, nn.Conv2d(3, 3, 1)).eval()) is None


def test_one_module_at_two_places_and_mixed_modes_are_not_described():
    act = nn.ReLU()
    assert described(nn.Sequential(nn.Linear(2, 2), act, nn.Linear(2, 2), act)) is None
    mixed = nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 2))
    mixed[0].eval()
    assert described(mixed) is None


def linear(**changes: Any) -> dict[str, Any]:
    return {
        "name": "head",
        "type": "Linear",
        "arguments": {"in_features": 3, "out_features": 2, "bias": True} | changes,
    }


def of(*modules: Any) -> dict[str, Any]:
    return {"training": False, "channels_last": False, "frozen": [], "modules": list(modules)}


def nested(depth: int) -> dict[str, Any]:
    inner = linear()
    for _ in range(depth):
        inner = {"name": "0", "type": "Sequential", "modules": [inner]}
    return inner


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (None, "an object with training"),
        (of("Linear"), "a list of objects"),
        (of(linear() | {"type": "Embedding"}), "'Embedding' is no module"),
        (of(linear() | {"type": "os.system"}), "'os.system' is no module"),
        (of(linear(in_features=1 << 40)), "in_features cannot be 1099511627776"),
        (of(linear(in_features="3")), "in_features cannot be 3"),
        (of(linear(device="cpu")), "Linear takes the arguments in_features out_features bias"),
        (of(linear(in_features=-1)), "cannot be made"),
        (of(linear(), linear()), "have one name"),
        (of(linear() | {"name": "a.b"}), "letters, digits"),
        (of(linear() | {"name": "training"}), "cannot be made"),
        (of({"name": "r", "type": "Residual", "modules": [linear()]}), "has a body"),
        (of(*(linear() | {"name": str(i)} for i in range(MOST_MODULES + 1))), "at most"),
        (of(nested(30)), "at most"),
        (of({"name": "p", "type": "ZeroPad2d", "arguments": {"padding": 60000}}), "padding cannot be 60000"),
        (of({"name": "n", "type": "Normalise", "arguments": {"mean": [0.5], "std": [0.0]}}), "positive"),
    ],
)
def test_a_hostile_description_is_refused_with_what_is_wrong(description, words):
    with pytest.raises(ModelError, match=words):
        from_description(description, {})


def test_a_network_larger_than_its_file_is_refused_before_it_takes_memory():
    huge = of(linear(in_features=60000, out_features=60000))
    with pytest.raises(ModelError, match="more weights than its file"):
        from_description(huge, {"head.weight": torch.zeros(2, 3)})


def test_normalise_is_what_torchvision_does_to_images():
    x = torch.rand(2, 3, 4, 4)
    mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.3, 0.4])
    expected = (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    assert torch.allclose(Normalise(mean.tolist(), std.tolist())(2 * x - 1), expected, atol=1e-6)


def test_blocks_of_ours_are_described_with_their_sizes():
    model = nn.Sequential(ResidualBlock(3, 4), nn.Conv2d(4, 6, 3, padding=1), NormPool(6, 1e-3)).eval()
    again = from_description(described(model), copy.deepcopy(model.state_dict()))
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(again(x), model(x))
