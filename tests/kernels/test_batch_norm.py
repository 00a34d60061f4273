"""Batch normalisation by parts is the library's own, to both derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lambda_core.kernels import BatchNormByParts, batch_norm_by_parts


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 5), (6, 3, 4, 5)])
@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_values_and_gradients(shape, running, affine):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    mean, var = (torch.randn(3).double(), torch.rand(3).double()) if running else (None, None)
    weight, bias = (torch.randn(3).double(), torch.randn(3).double()) if affine else (None, None)
    arguments = (mean, var, weight, bias, not running, 0.1, 1e-3)
    ours, theirs = batch_norm_by_parts(x, *arguments), F.batch_norm(x, *arguments)
    assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    direction = torch.randn(shape).double()
    mine, wanted = (torch.autograd.grad((y * direction).sum(), x, create_graph=True)[0] for y in (ours, theirs))
    assert torch.allclose(mine, wanted, rtol=1e-10, atol=1e-10)
    if not running:
        assert torch.autograd.gradgradcheck(lambda x: batch_norm_by_parts(x, *arguments), x)


def test_whoever_calls_it_gets_the_parts(monkeypatch):
    calls = []
    monkeypatch.setattr("lambda_core.kernels.batch_norm.batch_norm_by_parts", lambda *a, **k: calls.append((a, k)))
    norm = nn.BatchNorm2d(3, track_running_stats=False)
    x = torch.randn(2, 3, 4, 4)
    norm(x)
    assert not calls
    with BatchNormByParts():
        norm(x)
        torch.relu(x)
    assert len(calls) == 1
