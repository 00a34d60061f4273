"""Heads whose rows are all alike: what the benchmark changes, and what it leaves."""

from __future__ import annotations

import torch

from benchmarks.equal_heads import with_equal_rows
from lambda_core.adaptation.adapting import adapt
from lambda_core.backbones.networks import conv4
from lambda_core.patterns.pattern import LambdaPattern


def test_equal_rows_give_every_class_the_same_logit_and_no_layer_below_a_gradient() -> None:
    torch.manual_seed(0)
    model, x, y = conv4(3, 4, 1, 16), torch.randn(6, 1, 16, 16), torch.arange(6) % 3
    before = {name: value.clone() for name, value in model.state_dict().items()}
    logits = with_equal_rows(model)(x)
    torch.testing.assert_close(logits, logits[:, :1].expand_as(logits))
    assert logits[:, 0].std() > 0.01
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.weight", "head.bias"}
    adapted = adapt(model, x, y, LambdaPattern.parse("11110", layers=5), steps=2, lr=1.0).model.state_dict()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(adapted[name], value, atol=1e-6, rtol=0)
