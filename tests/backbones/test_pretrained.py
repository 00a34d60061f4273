"""torchvision's networks as ours: the same function from the same weights, adapted as the definition says."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from lambda_core.adaptation import adapt, query_logits
from lambda_core.adaptation.reference import adapt_by_definition
from lambda_core.backbones import IMAGENET, Backbone, described, fill, in_our_names, pretrained_network, with_ways
from lambda_core.backbones.pretrained import LITE0, NAMES
from lambda_core.errors import ConfigError, ModelError
from lambda_core.patterns import LambdaPattern


def theirs(name: str, outputs: int = 7) -> nn.Module:
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=outputs).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # as after a training
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return model


def ours(name: str, outputs: int = 7) -> nn.Sequential:
    model, names = pretrained_network(name if ":" in name else f"torchvision:{name}", outputs)
    fill(model, in_our_names(theirs(name, outputs).state_dict(), names))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", [name.partition(":")[2] for name in NAMES if name.startswith("torchvision:")])
def test_the_same_function_as_torchvisions(name):
    x = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(IMAGENET[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        expected, found = theirs(name)((x - mean) / std), ours(name)(2 * x - 1)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 96])
def test_the_same_function_as_efficientnet_lite0s(size):
    package = pytest.importorskip("efficientnet_lite_pytorch")
    torch.manual_seed(0)
    plain = package.EfficientNet.from_name("efficientnet-lite0").eval()
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    model, names = pretrained_network(LITE0, 1000)
    fill(model, in_our_names(plain.state_dict(), names))
    x = torch.rand(2, 3, size, size)
    mean, std = (torch.tensor(IMAGENET[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        assert torch.allclose(model(2 * x - 1), plain((x - mean) / std), rtol=1e-4, atol=1e-5)
    assert described(model) is not None
    assert len(Backbone.of(model).layers) == 10


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pattern"), [("mobilenet_v2", "0000000101"), ("resnet18", "000101")])
def test_it_adapts_as_the_definition_says_with_stored_statistics(name, pattern):
    model, x, y = ours(name, 3), torch.randn(3, 3, 32, 32), torch.arange(3)
    backbone = Backbone.of(model)
    parsed = LambdaPattern.parse(pattern, len(backbone.layers))
    found = adapt(backbone, x, y, parsed, steps=2, lr=0.01)
    expected = adapt_by_definition(model, x, y, parsed, 2, 0.01)
    for layer, weights in zip(backbone.names, found.weights, strict=True):
        for key, value in weights.items():
            assert torch.allclose(value, expected[f"{layer}.{key}"], rtol=1e-3, atol=1e-5), (layer, key)
    one_by_one = [query_logits(backbone, found.weights, x, each[None], "stored") for each in x]
    together = query_logits(backbone, found.weights, x, x, "stored")
    assert torch.allclose(torch.cat(one_by_one), together, atol=1e-5)  # no query depends on another


def test_stored_statistics_are_refused_where_there_are_none():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False), nn.Flatten())
    backbone = Backbone.of(model)
    with pytest.raises(ConfigError, match="stores no statistics"):
        query_logits(backbone, backbone.detached_weights(), torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), "stored")


def test_a_zero_head_serves_any_number_of_ways_and_a_learned_one_its_own():
    model = pretrained_network("torchvision:resnet18", 5)[0]
    with pytest.raises(ModelError, match="learned for 5 ways, so it cannot serve 3"):
        with_ways(model, 3)
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    assert with_ways(model, 3).head.weight.shape == (3, 512)
    assert described(model) is not None


def test_names_and_channels_that_are_not_known_are_told():
    with pytest.raises(ModelError, match="there are torchvision:mobilenet_v2"):
        pretrained_network("torchvision:alexnet", 5)
    with pytest.raises(ModelError, match="colour images"):
        pretrained_network("torchvision:resnet18", 5, channels=1)
