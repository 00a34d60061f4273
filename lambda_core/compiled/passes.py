"""The fused passes between two matrix products: each goes once over its data, channels last, innermost by channel.

Arrays are of one float type, float32 or float64. Images are rows of channels, (n·h·w, c), patches (n·h·w, 3, 3, c):
an index that is a loop's own variable at the last place lets the compiler take eight channels at once.
"""

from __future__ import annotations

import numba
import numpy as np

_compiled = numba.njit(inline="always", error_model="numpy")


@_compiled
def write_picture_patches(padded, h, w, c, patches):
    """The same of few channels, from images with a border of zeros: padded (n, h + 2, (w + 2)·c), patches
    (n·h·w, 3, 3·c).
    """
    for image in range(len(padded)):
        for row in range(h):
            for a in range(3):
                line = padded[image, row + a]
                for column in range(w):
                    to = patches[(image * h + row) * w + column, a]
                    at = np.uintp(column * c)  # unsigned: an index that cannot mean "from the end" is not looked at
                    if c == 3:
                        # all read before any is written, so that the compiler may move eight at once
                        p, q, r = line[at], line[at + np.uintp(1)], line[at + np.uintp(2)]
                        s, t, u = line[at + np.uintp(3)], line[at + np.uintp(4)], line[at + np.uintp(5)]
                        v, x, y = line[at + np.uintp(6)], line[at + np.uintp(7)], line[at + np.uintp(8)]
                        to[0], to[1], to[2], to[3], to[4], to[5], to[6], to[7], to[8] = p, q, r, s, t, u, v, x, y
                    else:
                        for j in range(np.uintp(3 * c)):
                            to[j] = line[at + j]


@_compiled
def write_patches(x, h, w, patches):
    """The 3×3 neighbourhood of each place, zero outside."""
    places, c = x.shape
    for image_row in range(places // w):
        row = image_row % h
        for column in range(w):
            place = image_row * w + column
            for a in range(3):
                for b in range(3):
                    if 0 < row + a <= h and 0 < column + b <= w:
                        source = place + (a - 1) * w + b - 1
                        for j in range(c):
                            patches[place, a, b, j] = x[source, j]
                    else:
                        for j in range(c):
                            patches[place, a, b, j] = 0


@_compiled
def fold_patches(patches, h, w, x):
    """The transpose of `write_patches`: every place sums what the nine patches that hold it say."""
    places, c = x.shape
    for place in range(places):
        row, column = place // w % h, place % w
        if 0 < row < h - 1 and 0 < column < w - 1:
            up, down = place - w, place + w
            for j in range(c):
                x[place, j] = (
                    (patches[up - 1, 2, 2, j] + patches[up, 2, 1, j] + patches[up + 1, 2, 0, j])
                    + (patches[place - 1, 1, 2, j] + patches[place, 1, 1, j] + patches[place + 1, 1, 0, j])
                    + (patches[down - 1, 0, 2, j] + patches[down, 0, 1, j] + patches[down + 1, 0, 0, j])
                )
            continue
        for j in range(c):
            x[place, j] = patches[place, 1, 1, j]
        for a in range(3):
            for b in range(3):
                if (a != 1 or b != 1) and 0 < row + 2 - a <= h and 0 < column + 2 - b <= w:
                    source = place + (1 - a) * w + 1 - b
                    for j in range(c):
                        x[place, j] += patches[source, a, b, j]


@_compiled
def add_statistics(product, before, mean, squares):
    """Mean and sum of squared deviations of each channel, extended from `before` places by those of `product`.

    Two passes over the new places, which are still in the cache, then a merge (Chan, Golub and LeVeque 1983).
    """
    places, c = product.shape
    own, deviations = np.zeros(c, product.dtype), np.zeros(c, product.dtype)
    for place in range(places):
        for j in range(c):
            own[j] += product[place, j]
    own /= places
    for place in range(places):
        for j in range(c):
            difference = product[place, j] - own[j]
            deviations[j] += difference * difference
    for j in range(c):
        step = (own[j] - mean[j]) * places / (before + places)
        squares[j] += deviations[j] + step * step * before * (before + places) / places
        mean[j] += step


@_compiled
def normalise_pool(product, h, w, scale, shift, raw, pooled):
    """Scale and shift, 2×2 maxima, rectify. raw: what of `product` became the maximum."""
    places, c = product.shape
    for image in range(places // (h * w)):
        for row in range(h // 2):
            for column in range(w // 2):
                first = (image * h + 2 * row) * w + 2 * column
                below = first + w
                to = (image * (h // 2) + row) * (w // 2) + column
                for j in range(c):
                    p, q, r, s = product[first, j], product[first + 1, j], product[below, j], product[below + 1, j]
                    high, low = p if p > q else q, q if p > q else p
                    other, under = r if r > s else s, s if r > s else r
                    high, low = high if high > other else other, under if low > under else low
                    best = high if scale[j] > 0 else low
                    best = p if scale[j] == 0 else best
                    raw[to, j] = best
                    scaled = best * scale[j] + shift[j]
                    pooled[to, j] = 0 if scaled <= 0 else scaled


@_compiled
def pooled_sums(gradient, raw, pooled, mean, deviation, to_bias, to_weight):
    """The gradients of shift and scale; `gradient`, that of the pooled output, loses what the rectifier stops."""
    places, c = gradient.shape
    for j in range(c):
        to_bias[j] = 0
        to_weight[j] = 0
    for place in range(places):
        for j in range(c):
            own = 0 if pooled[place, j] <= 0 else gradient[place, j]
            gradient[place, j] = own
            to_bias[j] += own
            to_weight[j] += own * (raw[place, j] - mean[j])
    for j in range(c):
        to_weight[j] *= deviation[j]


@_compiled
def normalise_pool_backward(gradient, raw, h, w, scale, level, slope, product):
    """The gradient of the product, in its place: level + slope · product, and the scaled gradient at the maxima."""
    places, c = product.shape
    for place in range(places if h % 2 or w % 2 else 0):
        if place // w % h == h // 2 * 2 or place % w == w // 2 * 2:  # an odd row or column, which pooling leaves out
            for j in range(c):
                product[place, j] = level[j] + slope[j] * product[place, j]
    for image in range(places // (h * w)):
        for row in range(h // 2):
            for column in range(w // 2):
                first = (image * h + 2 * row) * w + 2 * column
                below = first + w
                at = (image * (h // 2) + row) * (w // 2) + column
                for j in range(c):
                    own, best = gradient[at, j] * scale[j], raw[at, j]
                    p, q, r, s = product[first, j], product[first + 1, j], product[below, j], product[below + 1, j]
                    at_p = own if p == best else 0
                    rest = own - at_p
                    at_q = rest if q == best else 0
                    rest = rest - at_q
                    at_r = rest if r == best else 0
                    rest = rest - at_r
                    product[first, j] = level[j] + slope[j] * p + at_p
                    product[first + 1, j] = level[j] + slope[j] * q + at_q
                    product[below, j] = level[j] + slope[j] * r + at_r
                    product[below + 1, j] = level[j] + slope[j] * s + rest
