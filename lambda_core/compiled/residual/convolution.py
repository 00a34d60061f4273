"""Convolutions of 3×3 (padding 1) or 1×1 places, forward and to their filters, of one image; that to its input is one
too. For blocks of any width: only filters have room for whole rows of the kernel, the last of which may be a half one.

Images have a border of zeros and lie channels last: (height + 2, (width + 2) · channels). Filters lie by place, then
input channel, then output channel: (9 · c, o) or (c, o), rows filled up with zeros. Arrays are of one float type. The
kernel reads and writes whole rows, so behind gradients and outputs there must be room for one.
"""

from __future__ import annotations

import numba

from lambda_core.compiled.llvm import WIDE, block_product, lines_product, pairs_product

ROW_BYTES = 64  # of the kernel: narrow rows waste less on 8 or 20 filters
HALF_BYTES = ROW_BYTES // 2
EIGHT = 8 if WIDE else 4
MANY, FEW = (12, 4) if WIDE else (6, 2)

_compiled = numba.njit(nogil=True, error_model="numpy")
_inline = numba.njit(inline="always", error_model="numpy")
_eight, _four, _one = (block_product(rows, add=False, row_bytes=ROW_BYTES) for rows in (EIGHT, 4, 1))
# of two lines of four places: four sums at once would wait for each other, and for the filters
_two_lines, _half_two_lines = (lines_product(2, 4, row_bytes=each) for each in (ROW_BYTES, HALF_BYTES))
_half_eight, _half_four, _half_one = (block_product(rows, add=False, row_bytes=HALF_BYTES) for rows in (8, 4, 1))
_pairs_eight = pairs_product(8, row_bytes=HALF_BYTES)
_many, _few, _single = (block_product(rows, add=True, row_bytes=ROW_BYTES) for rows in (MANY, FEW, 1))
_half_many, _half_few, _half_single = (block_product(rows, add=True, row_bytes=HALF_BYTES) for rows in (MANY, FEW, 1))


@_inline
def write_half(count, x, seen, line, c, f, first, k, y, to, o, size, room):
    """So many places of an output, in half a row of the kernel, from channel `first` on."""
    if count == 8 and WIDE and k % 2 == 0:
        _pairs_eight(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k)
    elif count == 8:
        _half_eight(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k)
    elif count == 4:
        _half_four(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k)
    else:
        _half_one(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k)


@_inline
def write_whole(count, x, seen, line, c, f, first, k, y, to, o, size, room):
    """The same in a whole row."""
    if count == EIGHT:
        _eight(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k)
    elif count == 4:
        _four(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k)
    else:
        _one(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k)


@_compiled
def convolve(image, filters, h, w, c, o, output):
    """output, (h, w·o), overwritten: what the filters see at each place.

    Of each place the last channels come first, and places in order: what a whole row has too much is overwritten.
    """
    x, f, y = image.reshape(-1), filters.reshape(-1), output.reshape(-1)
    room, line, row = filters.shape[1], (w + 2) * c, ROW_BYTES // output.itemsize
    size = 3 if len(filters) == 9 * c else 1
    start, k, end = 0 if size == 3 else line + c, size * c, room // row * row
    done = h // 2 * 2 if WIDE and w == 4 else 0
    for place in range(0, done, 2):
        seen, to = start + place * line, place * w * o
        if end < room:
            _half_two_lines(x, seen, line, 1, c, f, end, k * room, room, y, to + end, o, size, k, line)
        for first in range(end - row, -1, -row):
            _two_lines(x, seen, line, 1, c, f, first, k * room, room, y, to + first, o, size, k, line)
    step, half = EIGHT if w >= EIGHT else 4 if w >= 4 else 1, 8 if w >= 8 else 4 if w >= 4 else 1
    for place in range(done, h):
        seen, to = start + place * line, place * w * o
        if end < room and step < half:  # half rows alone leave registers for more places
            for column in range(0, w, half):
                at = min(column, w - half)  # the last ones again, where the width is no multiple
                write_half(half, x, seen + at * c, line, c, f, end, k, y, to + at * o, o, size, room)
        for column in range(0, w, step):
            at = min(column, w - step)
            if end < room and step == half:
                write_half(half, x, seen + at * c, line, c, f, end, k, y, to + at * o, o, size, room)
            for first in range(end - row, -1, -row):
                write_whole(step, x, seen + at * c, line, c, f, first, k, y, to + at * o, o, size, room)


@_inline
def add_taps(count, x, seen, line, c, g, inside, across, o, f, to, room, h, w, half):
    """To the filters' rows of so many numbers of the input, from one channel on."""
    if half:
        if count == MANY:
            _half_many(x, seen, line, c, 1, g, inside, across, o, f, to, room, h, w)
        elif count == FEW:
            _half_few(x, seen, line, c, 1, g, inside, across, o, f, to, room, h, w)
        else:
            _half_single(x, seen, line, c, 1, g, inside, across, o, f, to, room, h, w)
    elif count == MANY:
        _many(x, seen, line, c, 1, g, inside, across, o, f, to, room, h, w)
    elif count == FEW:
        _few(x, seen, line, c, 1, g, inside, across, o, f, to, room, h, w)
    else:
        _single(x, seen, line, c, 1, g, inside, across, o, f, to, room, h, w)


@_compiled
def add_to_filters(image, gradient, h, w, c, o, to_filters):
    """to_filters gains the gradient to the filters; behind its channels, anything. gradient: to the output, with a
    border as the image.
    """
    x, g, f = image.reshape(-1), gradient.reshape(-1), to_filters.reshape(-1)
    room, line, row = to_filters.shape[1], (w + 2) * c, ROW_BYTES // to_filters.itemsize
    size = 3 if len(to_filters) == 9 * c else 1
    start, reach, inside, across = 0 if size == 3 else line + c, size * c, (w + 3) * o, (w + 2) * o
    for a in range(size):
        for first in range(0, room, row):
            k = 0
            while k < reach:
                left, seen, to = reach - k, start + a * line + k, (a * reach + k) * room + first
                count = MANY if left >= MANY else FEW if left >= FEW else 1
                half = room - first < row
                add_taps(count, x, seen, line, c, g, inside + first, across, o, f, to, room, h, w, half)
                k += count


@_compiled
def turn_filters(filters, c, o, turned):
    """turned, (9·o, c) or (o, c): the filters of the convolution that leads from output to input."""
    places = len(filters) // c
    for place in range(places):
        for k in range(c):
            for j in range(o):
                turned[(places - 1 - place) * o + j, k] = filters[place * c + k, j]
