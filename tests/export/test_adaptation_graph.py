"""The exported adaptation beside the definition: backbones, shapes and patterns of every kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lambda_core.adaptation import adapt_by_definition
from lambda_core.backbones import Backbone, conv4, resnet12
from lambda_core.patterns import LambdaPattern
from tests.support.oracle import plain_conv4

onnx = pytest.importorskip("onnx")

from lambda_core.export.adaptation_graph import adaptation_graph  # noqa: E402
from lambda_core.export.runtime import Runtime  # noqa: E402
from lambda_core.export.task import AdaptationTask  # noqa: E402

ALL = [
    "00001", "00011", "00111", "01111", "11111", "10000", "01000", "00100", "00010", "10101", "11110",
    "11111/00001", "00001/11111", "00100/10001", "00000/00011", "00001/01000/00000",
    "nnnn1", "nnnnn", "0000n", "n0000", "01n0n", "n1n01/1n011/0000n",
]  # fmt: skip
SPLIT = ["000000001", "000000111", "100000000", "010000000", "001010001", "111111111"]


def small_conv4(ways=3, channels=1, size=16):
    torch.manual_seed(0)
    model = conv4(ways, 4, channels, size)
    with torch.no_grad():  # scales of either sign: pooling after them is another one
        for name, value in model.named_parameters():
            if "norm" in name:
                value.add_(torch.randn_like(value))
    return model


def graph_of(model, shape, pattern, steps, lr=0.1):
    return adaptation_graph(AdaptationTask.of(model, shape, pattern, steps, lr, "transductive"))


def support(shape, ways, *, seed=1, flat=False):
    images = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (images > 1.5).float() if flat else images, torch.arange(shape[0]) % ways


def check(model, shape, ways, pattern, steps, lr=0.1, flat=False):
    """The graph gives the weights of the definition, those that are updated and no others."""
    images, labels = support(shape, ways, flat=flat)
    names = Backbone.matching(model, pattern).names
    wanted = adapt_by_definition(model, images, labels, pattern, steps, lr, layers=names)
    graph = graph_of(model, shape, pattern, steps, lr)
    found = Runtime(graph)({"support_images": images.numpy(), "support_labels": labels.numpy()})
    start = dict(model.named_parameters())
    assert {name for name in wanted if not torch.equal(wanted[name], start[name])} == set(found)
    for name, value in found.items():
        assert value.shape == tuple(wanted[name].shape)
        np.testing.assert_allclose(value, wanted[name].detach().numpy(), atol=2e-4, err_msg=name)


@pytest.mark.parametrize("text", ALL)
def test_every_kind_of_pattern(text):
    check(small_conv4(), (3, 1, 16, 16), 3, LambdaPattern.parse(text, 5), 3)


@pytest.mark.parametrize("text", SPLIT)
def test_layers_taken_apart(text):
    check(small_conv4(), (3, 1, 16, 16), 3, LambdaPattern.parse(text, 9), 2)


@pytest.mark.parametrize(("channels", "size"), [(3, 16), (6, 16), (1, 19), (3, 33)])
@pytest.mark.parametrize("text", ["11111", "01111"])
def test_shapes(channels, size, text):
    model = small_conv4(channels=channels, size=size)
    check(model, (6, channels, size, size), 3, LambdaPattern.parse(text, 5), 2, lr=0.02)


def test_equal_maxima_go_to_the_first():
    """Flat areas, as drawn characters have them: every window there holds four equal values."""
    check(small_conv4(), (3, 1, 16, 16), 3, LambdaPattern.full(5), 2, flat=True)


def test_step_sizes_per_layer():
    check(small_conv4(), (3, 1, 16, 16), 3, LambdaPattern.full(5), 2, lr=(0.01, 0.02, 0.03, 0.04, 0.5))


def test_the_textbook_network():
    torch.manual_seed(0)
    model = plain_conv4(3, 4, 1, 16)
    check(model, (3, 1, 16, 16), 3, LambdaPattern.full(5), 2)


@pytest.mark.parametrize("text", ["00001", "00011", "11111", "nnnn1", "00nn0"])
def test_resnet12(text):
    torch.manual_seed(0)
    check(resnet12(3, 2), (3, 3, 16, 16), 3, LambdaPattern.parse(text, 5), 1, lr=0.02)


def kinds(graph):
    return [node.op_type for node in graph.graph.node]


def test_what_stays_the_same_is_computed_once():
    """A head runs each frozen convolution once, and a step more costs four nodes; patches of a frozen input are one."""
    model, shape = small_conv4(), (3, 1, 16, 16)
    head = [kinds(graph_of(model, shape, LambdaPattern.parse("00001", 5), steps)) for steps in (4, 5)]
    assert [each.count("Conv") for each in head] == [4, 4]
    assert len(head[1]) - len(head[0]) == 3
    deeper = [kinds(graph_of(model, shape, LambdaPattern.parse("00010", 5), steps)).count("Gather") for steps in (1, 6)]
    assert deeper == [1, 1]


def test_nothing_below_the_lowest_updated_layer_has_a_gradient():
    model, shape = small_conv4(), (3, 1, 16, 16)
    products = [
        kinds(graph_of(model, shape, LambdaPattern.parse(text, 5), 1)).count("Gemm") for text in ("00011", "00111")
    ]
    assert products[1] == products[0] + 1
