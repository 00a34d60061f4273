"""Numbers brought from one order of dimensions into another, a square of registers at a time.

A model keeps the numbers of one filter side by side, the kernels one number of all filters. To copy one at a time takes
longer than a head's steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

REGISTER_BYTES = 32  # a square of such registers fits into those of any processor with AVX2


@numba.njit(cache=True, nogil=True, error_model="numpy")
def reorder(parts, places, row):
    """Brings matrices into `row`, transposed.

    parts: of each matrix the address of its first number, its columns, which lie side by side, its lines, the bytes
    from one line to the next, and where in `places` its columns begin. places: where in `row` a column goes, all of its
    lines side by side. Whoever calls this keeps what lies at the addresses alive, of row's type.
    """
    size = row.itemsize
    side = REGISTER_BYTES // size
    for part in range(len(parts)):
        address, columns, lines, step, first = parts[part]
        if columns < side or lines < side:
            for column in range(columns):
                for line in range(lines):
                    row[places[first + column] + line] = _number_at(address + line * step + column * size, row)
            continue
        for across in range(0, columns, side):
            column = min(across, columns - side)  # the last ones again, where their number is no multiple
            for down in range(0, lines, side):
                line = min(down, lines - side)
                _transpose(address + line * step + column * size, step, places, first + column, row, line)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def channels_last(images, bordered):
    """bordered, (n, h + 2, (w + 2)·c), gets its inside from images, (n, c, h, w), contiguous both."""
    c, w = images.shape[1], images.shape[3]
    for image in range(len(images)):
        for row in range(images.shape[2]):
            to = bordered[image, row + 1, c:]
            for channel in range(c):
                own = images[image, channel, row]
                for column in range(w):
                    to[column * c + channel] = own[column]


def _square() -> Callable[..., None]:
    @intrinsic  # type: ignore[untyped-decorator]
    def kernel(_: Any, address: Any, step: Any, places: Any, place: Any, row: Any, line: Any) -> Any:  # noqa: ARG001
        number = types.intp
        return types.void(number, number, places, number, row, number), _square_code

    made: Callable[..., None] = kernel
    return made


def _square_code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    address, step, places, place, row, line = given
    of_places, of_row = signature.args[2], signature.args[4]
    number, size = context.get_data_type(of_row.dtype), of_row.dtype.bitwidth // 8
    side = REGISTER_BYTES // size
    register, word = ir.VectorType(number, side), address.type
    registers = []
    for each in range(side):
        at = builder.add(address, builder.mul(step, word(each)))
        registers.append(builder.load(builder.inttoptr(at, register.as_pointer()), align=size))
    data = context.make_array(of_row)(context, builder, row).data
    order = context.make_array(of_places)(context, builder, places).data
    for each, column in enumerate(_transposed(builder, registers)):
        at = builder.add(builder.load(builder.gep(order, [builder.add(place, word(each))])), line)
        builder.store(column, builder.bitcast(builder.gep(data, [at]), register.as_pointer()), align=size)
    return context.get_dummy_value()


def _transposed(builder: Any, registers: list[Any]) -> list[Any]:
    """Blocks of half the side change places, then those of a quarter in each, down to single numbers."""
    side = len(registers)
    apart = side // 2
    while apart:
        found = list(registers)
        for each in range(side):
            if each & apart:
                continue
            upper, lower = registers[each], registers[each + apart]
            kept = [j if not j & apart else side + j - apart for j in range(side)]
            moved = [j + apart if not j & apart else side + j for j in range(side)]
            found[each] = builder.shuffle_vector(upper, lower, _mask(kept))
            found[each + apart] = builder.shuffle_vector(upper, lower, _mask(moved))
        registers, apart = found, apart // 2
    return registers


def _mask(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)


@intrinsic  # type: ignore[untyped-decorator]
def _number_at(_: Any, address: Any, like: Any) -> Any:  # noqa: ARG001
    """The number at an address, of the type that the numbers of `like` have."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = context.get_data_type(signature.return_type)
        return builder.load(builder.inttoptr(given[0], kind.as_pointer()), align=signature.return_type.bitwidth // 8)

    return like.dtype(types.intp, like), code


_transpose = _square()
