"""Forward and backward of what a residual block is made of: what its buffers call.

Arrays are of one float type and contiguous. x: images with a border, channels last, (n, h + 2, (w + 2)·c); product and
its gradients: lines (n·h, w·o), see `passes.py`, with room behind them; filters: see `convolution.py`; moments: (2, o),
mean and 1/σ of the product.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lambda_core.compiled.llvm import kept_between_processes
from lambda_core.compiled.residual.convolution import add_to_filters, convolve, turn_filters
from lambda_core.compiled.residual.passes import activate, add_line_sums, fold, join_pool, moments_of, spread, unpool

_compiled = kept_between_processes(
    Path(__file__).parent, Path(__file__).parents[1] / "llvm", nogil=True, error_model="numpy"
)


@_compiled
def forward(x, filters, scale, shift, eps, slope, h, w, c, product, moments, out):
    """A convolution, its moments and, where `out` has images, what follows: (n, h + 2, (w + 2)·o), with a border."""
    o, mean, deviation = len(scale), moments[0], moments[1]
    near, lines = np.zeros_like(scale), np.zeros((3, w * o), scale.dtype)
    for image in range(len(x)):
        own = product[image * h : (image + 1) * h]
        convolve(x[image], filters, h, w, c, o, own)
        if image == 0:  # whose mean is near that of all
            add_line_sums(own, lines[0], lines[1], lines[2])
            fold(lines[1], near)
            near /= scale.dtype.type(h * w)
            spread(near, lines[0])
            lines[1:] = 0
        add_line_sums(own, lines[0], lines[1], lines[2])
    moments_of(len(x) * h * w, near, lines[1], lines[2], eps, mean, deviation)
    if len(out) > 0:
        unit = scale * deviation
        spread(unit, lines[0])
        spread(shift - mean * unit, lines[1])
        activate(product, h, o, lines[0], lines[1], slope, out)


@_compiled
def join(
    body, of_body, body_scale, body_shift, short, of_short, short_scale, short_shift, slope, h, w, chosen, pooled,
    margin,
):  # fmt: skip
    """A block's output: the normalised sum of two products, pooled. of_body, of_short: their moments; chosen: lines of
    the pooled places, none where no backward pass will follow; pooled: (n, height, width·o), with a border of `margin`.
    """
    o = len(body_scale)
    scales, lines = np.empty((2, w * o), body.dtype), np.empty((3, w * o), body.dtype)
    one, other = body_scale * of_body[1], short_scale * of_short[1]
    spread(one, scales[0])
    spread(other, scales[1])
    spread(body_shift + short_shift - of_body[0] * one - of_short[0] * other, lines[0])
    for image in range(len(pooled)):
        for row in range(h // 2):
            at, above = image * h + 2 * row, image * (h // 2) + row
            to = pooled[image, row + margin, margin * o :]
            kept = chosen[above] if len(chosen) > 0 else lines[0, :0]
            join_pool(body[at : at + 2], short[at : at + 2], o, scales, lines[0], slope, lines[1], lines[2], to, kept)


@_compiled
def unjoin(gradient, pooled, chosen, margin, slope, h, o, to_sum):
    """The mirror of `join`: from the gradient of the output, lines, to that of the sum before pooling, (n·h, w·o)."""
    if h % 2 or to_sum.shape[1] > 2 * gradient.shape[1]:
        to_sum[:] = 0  # an odd row or column, which pooling leaves out
    for image in range(len(pooled)):
        for row in range(h // 2):
            at, above = image * h + 2 * row, image * (h // 2) + row
            own = pooled[image, row + margin, margin * o :]
            unpool(gradient[above], own, chosen[above], o, slope, to_sum[at : at + 2])


@_compiled
def through_rectifier(gradient, x, h, o, slope):
    """The gradient, lines, becomes that of what the leaky rectifier was given to make x, images with a border."""
    for line in range(len(gradient)):
        own = x[line // h, line % h + 1, o : o + gradient.shape[1]]
        for i in range(len(own)):
            gradient[line, i] = gradient[line, i] if own[i] > 0 else gradient[line, i] * slope


@_compiled
def backward(
    gradient, x, filters, scale, h, w, c, product, moments, to_filters, to_scale, to_shift, to_product, turned, to_x,
):  # fmt: skip
    """From the gradient of a convolution's normalised output to those of its weights, where `to_filters` has rows, and
    of its input, where `to_x` has: lines (n·h, w·c).

    With u the gradient, x̂ the normalised product and m the mean over places: σ·γ·(u − m(u) − x̂·m(u·x̂)). to_product:
    of one image, (h + 2, (w + 2)·o); turned: room for the filters that lead back.
    """
    o, count = len(scale), len(x) * h * w
    lines = np.zeros((3, w * o), scale.dtype)
    spread(moments[0], lines[2])
    for line in range(len(gradient)):
        for i in range(w * o):
            lines[0, i] += gradient[line, i]
            lines[1, i] += gradient[line, i] * (product[line, i] - lines[2, i])
    fold(lines[0], to_shift)
    fold(lines[1], to_scale)
    to_scale *= moments[1]
    unit = scale * moments[1]
    slope = -unit * moments[1] * to_scale / scale.dtype.type(count)
    spread(unit, lines[0])
    spread(slope, lines[1])
    spread(-unit * to_shift / scale.dtype.type(count) - slope * moments[0], lines[2])
    to_filters[:] = 0
    to_product[:] = 0
    if len(to_x) > 0:
        turn_filters(filters, c, o, turned)
    for image in range(len(x)):
        for row in range(h):
            at, to = image * h + row, to_product[row + 1, o:]
            for i in range(w * o):
                to[i] = lines[2, i] + lines[1, i] * product[at, i] + lines[0, i] * gradient[at, i]
        if len(to_filters) > 0:
            add_to_filters(x[image], to_product, h, w, c, o, to_filters)
        if len(to_x) > 0:
            convolve(to_product, turned, h, w, o, c, to_x[image * h : (image + 1) * h])
    to_filters[:, o:] = 0
