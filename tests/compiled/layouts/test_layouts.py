"""Weights and images in the kernels' order: right from any order in memory, and read anew however they were changed."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lambda_core.adaptation import adapt, adapt_by_definition
from lambda_core.backbones import Backbone, conv4, resnet12
from lambda_core.compiled import CompiledLoop, compiled_loop
from lambda_core.compiled.layouts import FlatWeights, take_images
from lambda_core.patterns import LambdaPattern

WAYS, LR = 3, 0.05


def _loop(model, x):
    backbone = Backbone.of(model)
    loop = compiled_loop(backbone, backbone.detached_weights(), x, torch.arange(len(x)) % WAYS, LR, F.cross_entropy)
    assert isinstance(loop, CompiledLoop)
    return loop


def _as_numpy_copies(flat: FlatWeights, model):
    """The row that one assignment a tensor makes."""
    own = copy.copy(flat)
    found = np.zeros_like(flat.row)
    for layer, views in zip(Backbone.of(model).layers, own._views, strict=True):
        for name, view in views.items():
            at = (view.ctypes.data - flat.row.ctypes.data) // flat.row.itemsize
            goes = np.ndarray(view.shape, found.dtype, found, at * found.itemsize, view.strides)
            goes[...] = layer.weights()[name].detach().numpy().reshape(view.shape)
    return found


def _in_another_order(model, order):
    for parameter in model.parameters():
        if order == "transposed":
            parameter.data = parameter.data.transpose(0, -1).contiguous().transpose(0, -1)
        elif order == "with gaps":
            wide = torch.zeros(*parameter.shape[:-1], 2 * parameter.shape[-1], dtype=parameter.dtype)
            wide[..., ::2] = parameter.data
            parameter.data = wide[..., ::2]
        elif parameter.dim() == 4:
            last = order == "channels last"
            parameter.data = parameter.data.contiguous(
                memory_format=torch.channels_last if last else torch.contiguous_format
            )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("order", ["contiguous", "channels last", "transposed", "with gaps"])
@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: conv4(WAYS, 32, 3, 32), (3, 32, 32)),
        (lambda: conv4(WAYS, 9, 2, 21), (2, 21, 21)),
        (lambda: conv4(WAYS, 1, 1, 16), (1, 16, 16)),
        (lambda: resnet12(WAYS, 5, 3), (3, 16, 16)),
        (lambda: resnet12(WAYS, 8, 1), (1, 16, 16)),
    ],
    ids=["32 filters", "9 filters", "1 filter", "residual, 5", "residual, 8"],
)
def test_the_same_numbers_at_the_same_places_as_one_assignment_a_tensor_puts_them(build, shape, order, dtype):
    torch.manual_seed(0)
    model = build().to(dtype)
    _in_another_order(model, order)
    flat = _loop(model, torch.zeros(3, *shape, dtype=dtype)).buffers.weights
    assert flat.row.any()
    assert np.array_equal(flat.row, _as_numpy_copies(flat, model))


def _step(model):
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    model.zero_grad()


def _without_gradients(model):
    with torch.no_grad():
        next(model[1].parameters()).mul_(1.5)


def _one_number(model):
    next(model[2].parameters()).detach().numpy()[-1, -1, -1, -1] += 1


def _in_inference_mode(model):
    with torch.inference_mode():
        next(model[0].parameters()).add_(0.1)


def _state(model):
    model.load_state_dict({name: value + 0.1 for name, value in model.state_dict().items()})


def _other_parameter(model):
    first = next(name for name, _ in model[0].named_parameters())
    place, _, key = first.rpartition(".")
    setattr(model[0].get_submodule(place), key, nn.Parameter(2 * model[0].get_parameter(first).detach()))


def _other_storage(model):
    for parameter in model.parameters():
        parameter.data = parameter.data.clone() + 0.05


def _set(model):
    parameter = next(model[1].parameters())
    with torch.no_grad():
        parameter.set_(2 * parameter.detach())


CHANGES = [
    _step, _without_gradients, _one_number, _in_inference_mode, _state, _other_parameter, _other_storage, _set,
]  # fmt: skip


@pytest.mark.parametrize("kind", [conv4, resnet12])
def test_weights_are_read_anew_however_they_were_changed(kind):
    torch.manual_seed(0)
    model = kind(WAYS, 2, 3).double() if kind is resnet12 else kind(WAYS, 4, 3, 16).double()
    backbone, pattern = Backbone.of(model), LambdaPattern.named("anil", 5)
    x, y = torch.randn(6, 3, 16, 16, dtype=torch.float64), torch.arange(6) % WAYS
    before = None
    for change in [lambda _: None, *CHANGES, *CHANGES]:
        change(model)
        for view in (backbone, Backbone.of(copy.deepcopy(model))):  # a copy of the model finds the same buffers
            found = adapt(view, x, y, pattern, 2, LR).weights[-1]["weight"]
            wanted = adapt_by_definition(model, x, y, pattern, 2, LR)["head.weight"]
            assert torch.allclose(found, wanted, rtol=1e-10, atol=1e-12), change
        assert before is None or not torch.equal(before, found), change
        before = found


@pytest.mark.parametrize("order", ["contiguous", "channels last", "every second", "expanded"])
def test_images_come_from_any_order_in_memory(order):
    images = torch.randn(2, 3, 5, 7)
    given = {
        "contiguous": images,
        "channels last": images.contiguous(memory_format=torch.channels_last),
        "every second": torch.stack([images, -images], -1)[..., 0],
        "expanded": images[:1, :1].expand(2, 3, 5, 7),
    }[order].requires_grad_(order == "contiguous")
    bordered = np.zeros((2, 7, 9 * 3), np.float32)
    take_images(given, bordered)
    wanted = F.pad(given.detach(), (1, 1, 1, 1)).permute(0, 2, 3, 1).reshape(2, 7, 27)
    assert np.array_equal(bordered, wanted.numpy())
