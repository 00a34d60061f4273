"""Counting a layer's work leaves the model as it was."""

from __future__ import annotations

import torch

from lambda_core.backbones import conv4, layer_costs, layer_memory, resnet12


def test_a_model_that_was_counted_has_no_hooks():
    for model in (conv4(3, 4, 3, 16), resnet12(3, 2)):
        x = torch.randn(3, 3, 16, 16)
        first = layer_costs(model, x)
        layer_memory(model, x)
        assert not any(module._forward_hooks for module in model.modules())
        assert layer_costs(model, x) == first
