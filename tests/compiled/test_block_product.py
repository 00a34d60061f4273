"""The innermost kernel and the convolutions made of it, as this processor takes them and as a smaller one would."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.smaller_processor import MAYBE_NARROW

# Convolutions of several shapes, forward, to the filters and back to the input, against torch's own in float64.
PROGRAM = (
    MAYBE_NARROW
    + """
import numpy as np, torch
from torch.nn import functional as F
from lambda_core.compiled import convolution as own, winograd
from lambda_core.compiled.llvm import WIDE
assert not (WIDE and sys.argv[1] == "narrow")
torch.manual_seed(0)
tiled = 0
for h, w, c, o in ((4, 4, 1, 3), (5, 9, 3, 33), (2, 2, 5, 8), (8, 13, 16, 16), (3, 1, 2, 64), (9, 8, 32, 40),
                   (2, 7, 8, 8)):
    x = torch.randn(1, c, h, w, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(o, c, 3, 3, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(x, weight, padding=1)
    to_y = torch.randn_like(y)
    to_x, to_weight = torch.autograd.grad(y, (x, weight), to_y)
    across, back = own.whole_rows(o, 8), own.whole_rows(c, 8)
    image, gradient = np.zeros((h + 2, w + 2, c)), np.zeros((h + 2, w + 2, across))
    image[1:-1, 1:-1] = x.detach()[0].permute(1, 2, 0)
    gradient[1:-1, 1:-1, :o] = to_y[0].permute(1, 2, 0)
    filters, product = np.zeros((9 * c, across)), np.ones((h * w, across))
    filters[:, :o] = weight.detach().permute(2, 3, 1, 0).reshape(9 * c, o)
    own.convolve(image.reshape(h + 2, -1), 0, h, filters, w, c, product)
    assert np.allclose(product[:, :o], y.detach()[0].permute(1, 2, 0).reshape(h * w, o), atol=1e-12)
    assert not product[:, o:].any()
    size = winograd.room_for(w, c, across, 8)[1] * h
    if size:
        tiled, workspace, by_tiles = tiled + 1, np.ones(size), np.ones_like(product)
        winograd.transform_filters(filters, c, workspace)
        winograd.convolve_tiles(image.reshape(h + 2, -1), 0, h, w, c, workspace, by_tiles)
        assert np.allclose(by_tiles, product, atol=1e-12)
    to_filters = np.zeros_like(filters)
    own.add_to_filters(image.reshape(h + 2, -1), gradient, h, w, c, to_filters)
    assert np.allclose(to_filters[:, :o], to_weight.permute(2, 3, 1, 0).reshape(9 * c, o), atol=1e-12)
    turned, to_image = np.zeros((9 * across, back)), np.zeros((h * w, back))
    own.turn_filters(filters, c, turned)
    own.convolve(gradient.reshape(h + 2, -1), 0, h, turned, w, across, to_image)
    assert np.allclose(to_image[:, :c], to_x[0].permute(1, 2, 0).reshape(h * w, c), atol=1e-12)
assert tiled >= 3
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
