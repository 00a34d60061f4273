"""The fused passes between two convolutions: each goes once over its data, channels last, innermost by channel.

Arrays are of one float type, float32 or float64. Rows of `product` and `gradient` may have room behind the last
channel, which is left alone. pooled: (n, height, width, c) with a border of `margin` places around it. An index that is
a loop's own variable at the last place lets the compiler take several channels at once.
"""

from __future__ import annotations

import numba

from lambda_core.compiled.llvm import VECTOR_BYTES, register_sums

_compiled = numba.njit(inline="always", error_model="numpy")
_sums = register_sums()


@_compiled
def add_deviations(product, near, total, squares):
    """Of each channel: adds the sum of product − near, and of its squares. `near` is a value near the mean, so that no
    digits are lost; it and the sums are as long as a row of product.
    """
    flat, row = product.reshape(-1), product.shape[1]
    for first in range(0, row, VECTOR_BYTES // product.itemsize):
        _sums(flat, first, row, len(product), near, total, squares, first)


@_compiled
def merge_statistics(places, near, total, squares, before, mean, deviations):
    """Mean and squared deviations of `before` places, extended by so many others (Chan, Golub and LeVeque 1983)."""
    for j in range(len(mean)):
        off = total[j] / places
        step = (near[j] + off - mean[j]) * places / (before + places)
        deviations[j] += squares[j] - off * total[j] + step * step * before * (before + places) / places
        mean[j] += step


@_compiled
def pool(product, w, scale, raw, pooled):
    """2×2 maxima of what two rows of places become under `scale`, before it, into a row of `pooled`, and of `raw` where
    that has any.
    """
    c = len(scale)
    for column in range(w // 2):
        first = 2 * column
        below = first + w
        for j in range(c):
            p, q, r, s = product[first, j], product[first + 1, j], product[below, j], product[below + 1, j]
            high, low = p if p > q else q, q if p > q else p
            other, under = r if r > s else s, s if r > s else r
            high, low = high if high > other else other, under if low > under else low
            best = high if scale[j] > 0 else low
            best = p if scale[j] == 0 else best
            if len(raw) > 0:
                raw[column, j] = best
            pooled[column, j] = best


@_compiled
def normalise(pooled, scale, shift):
    """Scale, shift and rectify a row of places, in place."""
    zero = scale.dtype.type(0)  # of the arrays' type: a plain 0 would make all of it float64
    for column in range(len(pooled)):
        for j in range(len(scale)):
            scaled = pooled[column, j] * scale[j] + shift[j]
            pooled[column, j] = zero if scaled <= zero else scaled


@_compiled
def pooled_sums(gradient, raw, pooled, margin, mean, deviation, to_bias, to_weight):
    """The gradients of shift and scale; `gradient`, that of the pooled output, loses what the rectifier stops."""
    c, height, width = len(mean), pooled.shape[1] - 2 * margin, pooled.shape[2] - 2 * margin
    zero = gradient.dtype.type(0)
    to_bias[:] = 0
    to_weight[:] = 0
    for image in range(len(pooled)):
        for row in range(height):
            for column in range(width):
                place = (image * height + row) * width + column
                for j in range(c):
                    own = zero if pooled[image, row + margin, column + margin, j] <= zero else gradient[place, j]
                    gradient[place, j] = own
                    to_bias[j] += own
                    to_weight[j] += own * (raw[place, j] - mean[j])
    for j in range(c):
        to_weight[j] *= deviation[j]


@_compiled
def normalise_pool_backward(gradient, raw, product, h, w, scale, level, slope, to_product):
    """The gradient of one image's product, into the inside of `to_product`, (h + 2, w + 2, c): level + slope · product,
    and the scaled gradient at the maxima.
    """
    c, zero = len(scale), scale.dtype.type(0)
    for place in range(h * w if h % 2 or w % 2 else 0):
        if place // w == h // 2 * 2 or place % w == w // 2 * 2:  # an odd row or column, which pooling leaves out
            for j in range(c):
                to_product[place // w + 1, place % w + 1, j] = level[j] + slope[j] * product[place, j]
    for row in range(h // 2):
        for column in range(w // 2):
            first = 2 * row * w + 2 * column
            below, at = first + w, row * (w // 2) + column
            y, x = 2 * row + 1, 2 * column + 1
            for j in range(c):
                own, best = gradient[at, j] * scale[j], raw[at, j]
                p, q, r, s = product[first, j], product[first + 1, j], product[below, j], product[below + 1, j]
                at_p = own if p == best else zero
                rest = own - at_p
                at_q = rest if q == best else zero
                rest = rest - at_q
                at_r = rest if r == best else zero
                rest = rest - at_r
                to_product[y, x, j] = level[j] + slope[j] * p + at_p
                to_product[y, x + 1, j] = level[j] + slope[j] * q + at_q
                to_product[y + 1, x, j] = level[j] + slope[j] * r + at_r
                to_product[y + 1, x + 1, j] = level[j] + slope[j] * s + rest
