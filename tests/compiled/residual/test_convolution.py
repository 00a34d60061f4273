"""Convolutions of narrow blocks, as this processor takes them and as a smaller one would."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.smaller_processor import MAYBE_NARROW

# Of one and nine places, forward, to the filters and back to the input, against torch's own in float64.
PROGRAM = (
    MAYBE_NARROW
    + """
from itertools import product
import numpy as np, torch
from torch.nn import functional as F
from lambda_core.compiled.llvm import WIDE
from lambda_core.compiled.residual import convolution as own
assert not (WIDE and sys.argv[1] == "narrow")
SHAPES = ((4, 4, 1, 3), (5, 9, 3, 33), (2, 2, 5, 8), (8, 13, 8, 16), (3, 1, 23, 64), (5, 4, 6, 12), (3, 12, 8, 20))
torch.manual_seed(0)
row, half = own.ROW_BYTES // 8, own.HALF_BYTES // 8

def bordered(x):
    c, h, w = x.shape
    image = np.zeros((h + 2, w + 2, c))
    image[1:-1, 1:-1] = x.permute(1, 2, 0)
    return np.append(image.reshape(-1), np.full(row, np.nan))[:-row].reshape(h + 2, (w + 2) * c)

def lines(h, width):
    return np.full(h * width + row, np.nan)[: h * width].reshape(h, width)

for size, (h, w, c, o) in product((1, 3), SHAPES):
    x = torch.randn(1, c, h, w, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(o, c, size, size, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(x, weight, padding=size // 2)
    to_y = torch.randn_like(y)
    to_x, to_weight = torch.autograd.grad(y, (x, weight), to_y)
    image, gradient, taps = bordered(x.detach()[0]), bordered(to_y[0]), size * size
    filters = np.zeros((taps * c, -(-o // half) * half))
    filters[:, :o] = weight.detach().permute(2, 3, 1, 0).reshape(taps * c, o)
    product_ = lines(h, w * o)
    own.convolve(image, filters, h, w, c, o, product_)
    assert np.allclose(product_, y.detach()[0].permute(1, 2, 0).reshape(h, w * o), atol=1e-12)
    to_filters = np.zeros_like(filters)
    own.add_to_filters(image, gradient, h, w, c, o, to_filters)
    assert np.allclose(to_filters[:, :o], to_weight.permute(2, 3, 1, 0).reshape(taps * c, o), atol=1e-12)
    turned, to_image = np.zeros((taps * o, -(-c // half) * half)), lines(h, w * c)
    own.turn_filters(filters, c, o, turned)
    own.convolve(gradient, turned, h, w, o, c, to_image)
    assert np.allclose(to_image, to_x[0].permute(1, 2, 0).reshape(h, w * c), atol=1e-12)
print("equal")
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("processor", ["as it is", "narrow"])
def test_convolutions_equal_torchs(processor, tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM, processor]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "equal\n", done.stderr
