"""The tangents of the fused passes: how what they make changes where what they take changes in a direction.

Arrays as in `compiled/passes.py`; a name that ends in `_t` is the tangent of the one without. Rows may have room behind
the last channel, which is left alone.
"""

from __future__ import annotations

import numba

_compiled = numba.njit(inline="always", error_model="numpy")


@_compiled
def add_tangent_sums(product_t, more, product, mean, total, along):
    """Of one image: product_t gains `more`, where that has rows; total, along: sums of it, and of it times the
    deviation of `product` from its mean, a channel.
    """
    for place in range(len(product_t)):
        if len(more) > 0:
            for j in range(len(mean)):
                product_t[place, j] += more[place, j]
        for j in range(len(mean)):
            total[j] += product_t[place, j]
            along[j] += product_t[place, j] * (product[place, j] - mean[j])


@_compiled
def pool_tangent(product, product_t, h, w, raw, pooled, on_raw, on_raw_t, level, raw_t, pooled_t, margin):
    """Of one image: the tangent of the pooled output, on_raw · raw + on_raw_t · raw_t + level where the rectifier lets
    it through. raw_t: the tangent of the product at the maxima.
    """
    c, zero = len(level), level.dtype.type(0)
    for row in range(h // 2):
        for column in range(w // 2):
            first = 2 * row * w + 2 * column
            below, at = first + w, row * (w // 2) + column
            for j in range(c):
                best = raw[at, j]
                found = product_t[below + 1, j]
                found = product_t[below, j] if product[below, j] == best else found
                found = product_t[first + 1, j] if product[first + 1, j] == best else found
                found = product_t[first, j] if product[first, j] == best else found
                raw_t[at, j] = found
                through = pooled[row + margin, column + margin, j] > zero
                value = on_raw[j] * best + on_raw_t[j] * found + level[j]
                pooled_t[row + margin, column + margin, j] = value if through else zero


@_compiled
def pooled_tangent_sums(
    gradient_t, gradient, raw, raw_t, pooled, margin, mean, on_raw, on_raw_t, level, to_bias, along
):
    """`gradient_t`, that of the pooled output, loses what the rectifier stops; sums of it, and of the tangent of
    gradient · x̂ apart from a factor: gradient_t · (raw − mean) + gradient · (on_raw · raw + on_raw_t · raw_t + level).
    """
    c, height, width = len(mean), pooled.shape[1] - 2 * margin, pooled.shape[2] - 2 * margin
    zero = gradient.dtype.type(0)
    for image in range(len(pooled)):
        for row in range(height):
            for column in range(width):
                place = (image * height + row) * width + column
                for j in range(c):
                    own = zero if pooled[image, row + margin, column + margin, j] <= zero else gradient_t[place, j]
                    gradient_t[place, j] = own
                    to_bias[j] += own
                    unit_t = on_raw[j] * raw[place, j] + on_raw_t[j] * raw_t[place, j] + level[j]
                    along[j] += own * (raw[place, j] - mean[j]) + gradient[place, j] * unit_t


@_compiled
def add_scaled_inside(product_t, h, w, scale, to_product_t):
    """Adds scale · product_t of one image to the inside of `to_product_t`, (h + 2, w + 2, c)."""
    for row in range(h):
        for column in range(w):
            for j in range(len(scale)):
                to_product_t[row + 1, column + 1, j] += scale[j] * product_t[row * w + column, j]


@_compiled
def add_rows(more, channels, total):
    """Adds `more` to `total`, (places, channels), both with any room behind the channels."""
    for place in range(len(total)):
        for j in range(channels):
            total[place, j] += more[place, j]
