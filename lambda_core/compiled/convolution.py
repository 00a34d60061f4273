"""3×3 convolutions of stride and padding 1, forward and to their filters, of one image; that to its input is one too.

Images have a border of zeros and lie channels last: (height + 2, (width + 2) · channels). Filters lie by place, then
input channel, then output channel: (9 · channels, o). Their rows, and those of outputs (places, o), have room for whole
rows of the kernel (`whole_rows`), zeros where there is no channel. Arrays are of one float type.
"""

from __future__ import annotations

import numba

from lambda_core.compiled.llvm import ROW_BYTES, WIDE, block_product

_compiled = numba.njit(nogil=True, error_model="numpy")
_eight, _four, _one = (block_product(rows, add=False) for rows in (8 if WIDE else 4, 4, 1))
_many, _nine, _three = (block_product(rows, add=True) for rows in ((12, 9, 3) if WIDE else (6, 3, 3)))
EIGHT, MANY = (8, 12) if WIDE else (4, 6)


def whole_rows(channels: int, itemsize: int) -> int:
    """So many numbers that whole rows of the kernel hold `channels` of them."""
    row = ROW_BYTES // itemsize
    return -(-channels // row) * row


@_compiled
def products_along(a, a_start, a_s, a_k, a_r, b, b_start, b_s, b_k, c, c_start, c_r, count, s, k):
    """`block_product`, for any `count` of rows and over all c_r numbers of each."""
    step = EIGHT if count >= EIGHT else 4 if count >= 4 else 1
    for first in range(0, c_r, ROW_BYTES // c.itemsize):
        for each in range(0, count, step):
            at = min(each, count - step)  # the last ones again, where the count is no multiple
            from_a, from_b, to = a_start + at * a_r, b_start + first, c_start + at * c_r + first
            if step == EIGHT:
                _eight(a, from_a, a_s, a_k, a_r, b, from_b, b_s, b_k, c, to, c_r, s, k)
            elif step == 4:
                _four(a, from_a, a_s, a_k, a_r, b, from_b, b_s, b_k, c, to, c_r, s, k)
            else:
                _one(a, from_a, a_s, a_k, a_r, b, from_b, b_s, b_k, c, to, c_r, s, k)


@_compiled
def convolve(image, top, rows, filters, w, c, output):
    """output, (rows·w, o), overwritten: what the filters see at each place of so many rows from `top` on."""
    x, f, y = image.reshape(-1), filters.reshape(-1), output.reshape(-1)
    o, line = output.shape[1], (w + 2) * c
    for row in range(rows):
        products_along(x, (top + row) * line, line, 1, c, f, 0, 3 * c * o, o, y, row * w * o, o, w, 3, 3 * c)


@_compiled
def add_to_filters(image, gradient, h, w, c, to_filters):
    """to_filters, (9·c, o), gains the gradient to the filters. gradient: to the output, with a border as the image."""
    x, g, f = image.reshape(-1), gradient.reshape(-1), to_filters.reshape(-1)
    o, line, row = to_filters.shape[1], (w + 2) * c, ROW_BYTES // to_filters.itemsize
    start, across = (w + 3) * o, (w + 2) * o
    step = MANY if 3 * c % MANY == 0 else 9 if WIDE and c % 3 == 0 else 3
    for a in range(3):
        for first in range(0, o, row):
            for k in range(0, 3 * c, step):
                at, to = a * line + k, (a * 3 * c + k) * o + first
                if step == MANY:
                    _many(x, at, line, c, 1, g, start + first, across, o, f, to, o, h, w)
                elif step == 9:
                    _nine(x, at, line, c, 1, g, start + first, across, o, f, to, o, h, w)
                else:
                    _three(x, at, line, c, 1, g, start + first, across, o, f, to, o, h, w)


@_compiled
def turn_filters(filters, c, turned):
    """turned, (9·o, c) with room for whole rows: the filters of the convolution that leads from output to input."""
    o = filters.shape[1]
    for place in range(9):
        for k in range(c):
            for j in range(o):
                turned[(8 - place) * o + j, k] = filters[place * c + k, j]
