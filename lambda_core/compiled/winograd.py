"""3×3 convolutions by Winograd's F(2×2, 3×3): tiles of 2×2 places from 4×4 of the input, by 16 products where the plain
way takes 36 (Lavin and Gray 2016, arXiv 1509.09308). Of its kind the one that rounds least.

Layouts: those of `convolution.py`. transformed: (16·c, o), the filters; it, tiles and products share one workspace.
"""

from __future__ import annotations

import numba

from lambda_core.compiled.convolution import products_along
from lambda_core.compiled.llvm import VECTOR_BYTES, tile_transform

_compiled = numba.njit(nogil=True, error_model="numpy")
_of_filters = tile_transform(((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)))
_of_input = tile_transform(((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)))
_to_places = tile_transform(((1, 1, 1, 0), (0, 1, -1, -1)))
MANY_TILES = 16  # so many fill the kernel well; fewer than a quarter of them in a row do not fill it


def room_for(w: int, c: int, o: int, itemsize: int) -> tuple[int, int]:
    """Rows of w places to convolve at once, from c to o channels, and so many numbers to work in: none where the plain
    way serves better, or alone.
    """
    across = (w + 1) // 2
    if across < MANY_TILES // 4 or c * itemsize % VECTOR_BYTES:
        return 2, 0
    down = -(-MANY_TILES // across)
    return 2 * down, 16 * (c * o + down * across * (c + o))


@_compiled
def transform_filters(filters, c, workspace):
    """Into the workspace, where `convolve_tiles` looks for them."""
    f, o = filters.reshape(-1), filters.shape[1]
    for k in range(c):
        for j in range(k * o, (k + 1) * o, VECTOR_BYTES // f.itemsize):
            _of_filters(f, j, 3 * c * o, c * o, workspace, j, 4 * c * o, c * o)


@_compiled
def convolve_tiles(image, top, rows, w, c, workspace, output):
    """output, (rows·w, o), overwritten: what the filters see at each place of two or more rows from `top` on."""
    x, y, o, line = image.reshape(-1), output.reshape(-1), output.shape[1], (w + 2) * c
    across, vector = (w + 1) // 2, VECTOR_BYTES // output.itemsize
    count = (rows + 1) // 2 * across
    tiles, products = workspace[16 * c * o :], workspace[16 * c * (o + count) :]
    for tile in range(count):  # the last row and column again, where their number is odd
        row, column = min(tile // across * 2, rows - 2), min(tile % across * 2, w - 2)
        for j in range(0, c, vector):
            at = (top + row) * line + column * c + j
            _of_input(x, at, line, c, tiles, tile * c + j, 4 * count * c, count * c)
    for place in range(16):
        from_tile, from_filters, to = place * count * c, place * c * o, place * count * o
        products_along(tiles, from_tile, 0, 1, c, workspace, from_filters, 0, o, products, to, o, count, 1, c)
    for tile in range(count):
        row, column = min(tile // across * 2, rows - 2), min(tile % across * 2, w - 2)
        for j in range(0, o, vector):
            _to_places(products, tile * o + j, 4 * count * o, count * o, y, (row * w + column) * o + j, w * o, o)
