"""What each layer needs in memory, counted from what runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lambda_core.backbones.backbone import Backbone, Layer
from lambda_core.kernels import LayerPasses, LiveBytes, Weights
from lambda_core.patterns import WAYS_BACK, LayerMemory, Pass, Update


def layer_memory(model: nn.Sequential | Backbone, inputs: Tensor) -> list[LayerMemory]:
    """Bytes that each layer's passes need for the batch `inputs`: by the route that an adaptation takes on its device.

    What a library's kernels take and give back themselves (packed weights, patches of a convolution) is not in it.
    """
    backbone = model if isinstance(model, Backbone) else Backbone.of(model)
    x, found = backbone.prepare_input(inputs), []
    for layer, own in zip(backbone.layers, backbone.detached_weights(), strict=True):
        passes = layer.passes if layer.passes and layer.passes.takes(x) and not x.is_cuda else None
        with torch.no_grad(), LiveBytes() as live:
            y = layer.forward(own, x)
        changed = {update: layer.changed_by(update) for update in Update if layer.scales or update != Update.SCALES}
        ways = {
            name: _written_out(passes, own, x, changed[update], onward)
            if passes
            else _by_autograd(layer, own, x, changed[update], onward)
            for name, (update, onward) in WAYS_BACK.items()
            if update in changed and name != "none"
        }
        sizes = {update: sum(own[name].nbytes for name in names) for update, names in changed.items()}
        found.append(LayerMemory(sum(value.nbytes for value in own.values()), sizes, live.now, live.most, ways))
        x = y
    return found


def _written_out(passes: LayerPasses, own: Weights, x: Tensor, changed: frozenset[str], to_input: bool) -> Pass:
    with torch.no_grad(), LiveBytes() as live:
        patches = None if to_input else passes.patches(x)  # made of what the lowest layer starts from, and kept
        y, kept = passes.forward(own, x, patches)
        saved, forward, gradient = live.now, live.most, torch.ones_like(y)
        passes.backward(own, kept, gradient, changed, to_input)
    return Pass(saved, forward, live.most)


def _by_autograd(layer: Layer, own: Weights, x: Tensor, changed: frozenset[str], to_input: bool) -> Pass:
    start = x.detach().requires_grad_(to_input)
    leaves = {name: value.detach().requires_grad_(name in changed) for name, value in own.items()}
    with torch.enable_grad(), LiveBytes() as live:
        y = layer.forward(leaves, start)
        saved, forward = live.now, live.most
        wanted: list[Any] = [each for each in (start, *leaves.values()) if each.requires_grad]
        if wanted:
            torch.autograd.grad(y, wanted, torch.ones_like(y), allow_unused=True)
    return Pass(saved, forward, live.most)
