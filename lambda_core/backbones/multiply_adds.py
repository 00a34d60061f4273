"""Multiply-adds of each layer, counted from what runs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lambda_core.backbones.backbone import Backbone, Layer
from lambda_core.backbones.module_call import ModuleCall


def layer_costs(model: nn.Sequential | Backbone, inputs: Tensor) -> list[int]:
    """Multiply-adds of each layer's forward pass for the batch `inputs`, counted from what runs."""
    return layer_products(model, inputs)[0]


def layer_products(model: nn.Sequential | Backbone, inputs: Tensor) -> tuple[list[int], list[int], list[int]]:
    """`layer_costs`; the multiply-adds that backward needs inside each layer to reach all of its own weights and no
    further: none for a layer of one convolution or linear map, those between the convolutions of a residual block; and
    those to reach all of its scales and shifts.
    """
    forward, inner, inner_of_scales = map(list, zip(*_each_layers_products(model, inputs), strict=True))
    return forward, inner, inner_of_scales


def _each_layers_products(model: nn.Sequential | Backbone, inputs: Tensor) -> Iterator[tuple[int, int, int]]:
    backbone = model if isinstance(model, Backbone) else Backbone.of(model)
    x = backbone.prepare_input(inputs)
    for layer in backbone.layers:
        forward, inner = _count_multiply_adds(layer, x, layer.trainable)
        yield forward, inner, _count_multiply_adds(layer, x, layer.scales)[1]
        with torch.no_grad():
            x = layer.forward(dict(layer.module.named_parameters()), x)


def _count_multiply_adds(layer: Layer, x: Tensor, changed: frozenset[str]) -> tuple[int, int]:
    """(forward, inner) of one layer, `changed` of whose parameters are; autograd says whose input needs a gradient."""
    total = inner = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total, inner
        if isinstance(module, nn.Conv2d):
            cost = output.numel() * module.in_channels // module.groups * math.prod(module.kernel_size)
        elif isinstance(module, nn.Linear):
            cost = output.numel() * module.in_features
        else:
            return
        total += cost
        inner += cost if inputs[0].requires_grad else 0

    module, *_ = ModuleCall(f"layer {layer.name}", (layer.module,)).private_copies()  # hooks stay off the user's own
    for each in module.modules():
        each.register_forward_hook(count)
    own = {name: value.detach().requires_grad_(name in changed) for name, value in layer.module.named_parameters()}
    with torch.enable_grad():
        functional_call(module, own, (x.detach().clone(),))
    return total, inner
