"""The passes between two convolutions of a residual block, each once over its data, a line of an image at a time.

A line is a row of an image, its channels last: w·c numbers in a row, so that the compiler may take several at once
however few the channels are. What is given a channel is spread to a line first. Arrays are of one float type.
"""

from __future__ import annotations

import numba
import numpy as np

_compiled = numba.njit(inline="always", error_model="numpy")


@_compiled
def spread(values, line):
    """line, (w·c,): the values of the channels, again and again."""
    c = len(values)
    for place in range(0, len(line), c):
        for j in range(c):
            line[place + j] = values[j]


@_compiled
def fold(line, values):
    """values, (c,): the sums of a line by channel."""
    c = len(values)
    values[:] = 0
    for place in range(0, len(line), c):
        for j in range(c):
            values[j] += line[place + j]


@_compiled
def add_line_sums(product, near, total, squares):
    """Of one image, by place in the line: adds the sum of product − near, and of its squares."""
    for line in range(len(product)):
        for i in range(len(near)):
            off = product[line, i] - near[i]
            total[i] += off
            squares[i] += off * off


@_compiled
def moments_of(count, near, total, squares, eps, mean, deviation):
    """Mean and 1/σ of each channel from the sums of `add_line_sums` over `count` places; `near` is a value near the
    mean, so that no digits are lost.
    """
    fold(total, mean)
    fold(squares, deviation)
    for j in range(len(mean)):
        off = mean[j] / count
        deviation[j] = 1 / np.sqrt(deviation[j] / count - off * off + eps)
        mean[j] = near[j] + off


@_compiled
def activate(product, h, c, scale, shift, slope, out):
    """Of all images: scale, shift (lines both) and the leaky rectifier, into the inside of images with a border."""
    for line in range(len(product)):
        image, row = line // h, line % h
        to = out[image, row + 1, c : c + len(scale)]
        for i in range(len(scale)):
            value = product[line, i] * scale[i] + shift[i]
            to[i] = value if value > 0 else value * slope


@_compiled
def join_pool(one, other, c, scales, shift, slope, best, place, pooled, chosen):
    """Of two lines: the sum of two products under their scales and a shift, 2×2 maxima, the leaky rectifier.

    one, other: (2, w·c); scales: of both, (2, w·c). pooled, chosen: (w // 2 · c,), the latter the place of the maximum
    among four, the first of equal ones; has no room where it is not kept. best, place: (w·c,) to work in.
    """
    two, zero, one_more = scales.dtype.type(2), scales.dtype.type(0), scales.dtype.type(1)
    for i in range(len(shift)):
        upper = one[0, i] * scales[0, i] + other[0, i] * scales[1, i] + shift[i]
        lower = one[1, i] * scales[0, i] + other[1, i] * scales[1, i] + shift[i]
        best[i] = lower if lower > upper else upper
        place[i] = two if lower > upper else zero
    for column in range(len(shift) // (2 * c)):
        left, to = 2 * column * c, column * c
        for j in range(c):
            p, q, at_p, at_q = best[left + j], best[left + c + j], place[left + j], place[left + c + j] + one_more
            right = q > p or (q == p and at_q < at_p)
            value = q if right else p
            pooled[to + j] = value if value > zero else value * slope
            if len(chosen) > 0:
                chosen[to + j] = at_q if right else at_p


@_compiled
def unpool(gradient, pooled, chosen, c, slope, to):
    """The mirror of `join_pool`: the gradient of the sum, two lines `to`, (2, w·c), from that of the pooled output."""
    zero = gradient.dtype.type(0)
    for column in range(len(gradient) // c):
        for j in range(c):
            i = column * c + j
            own = gradient[i] if pooled[i] > zero else gradient[i] * slope
            for place in range(4):
                to[place // 2, (2 * column + place % 2) * c + j] = own if chosen[i] == place else zero
