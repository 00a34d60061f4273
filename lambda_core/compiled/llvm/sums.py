"""Sums and sums of squares over places, in the processor's registers from the first place to the last.

A loop that adds place by place to arrays reads and writes them each time: four times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lambda_core.compiled.llvm.products import VECTOR_BYTES, multiply_add

LANES = 4  # sums that do not wait for each other


def register_sums() -> Callable[..., None]:
    """A kernel for compiled code: with p = product[start + i · across :] − near, a register of them, and i < count,
    total[at :] += Σ_i p and squares[at :] += Σ_i p². near is read from `at` on, too; all arrays are flat and of one
    float type.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def kernel(
        _: Any, product: Any, start: Any, across: Any, count: Any, near: Any, total: Any, squares: Any, at: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        place = types.intp
        return types.void(product, place, place, place, near, total, squares, place), _code

    made: Callable[..., None] = kernel
    return made


def _code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    product, start, across, count, near, total, squares, at = given
    of_product, of_near, of_total, of_squares = (
        context.make_array(signature.args[place])(context, builder, array).data
        for place, array in ((0, product), (4, near), (5, total), (6, squares))
    )
    number, size = context.get_data_type(signature.args[0].dtype), signature.args[0].dtype.bitwidth // 8
    register, word = ir.VectorType(number, VECTOR_BYTES // size), count.type
    fused = multiply_add(builder, register, size)

    def place(data: Any, first: Any) -> Any:
        return builder.bitcast(builder.gep(data, [first]), register.as_pointer())

    sums, powers = ([cgutils.alloca_once(builder, register) for _ in range(LANES)] for _ in range(2))
    for each in (*sums, *powers):
        builder.store(ir.Constant(register, None), each)
    level = builder.load(place(of_near, at), align=size)

    def add(index: Any, lane: int) -> None:
        first = builder.add(start, builder.mul(index, across))
        value = builder.fsub(builder.load(place(of_product, first), align=size), level)
        builder.store(builder.fadd(builder.load(sums[lane]), value), sums[lane])
        builder.store(builder.call(fused, [value, value, builder.load(powers[lane])]), powers[lane])

    whole = builder.sdiv(count, word(LANES))
    with cgutils.for_range(builder, whole) as loop:
        for lane in range(LANES):
            add(builder.add(builder.mul(loop.index, word(LANES)), word(lane)), lane)
    done = builder.mul(whole, word(LANES))
    with cgutils.for_range(builder, builder.sub(count, done)) as loop:
        add(builder.add(done, loop.index), 0)
    for lanes, data in ((sums, of_total), (powers, of_squares)):
        found = builder.load(place(data, at), align=size)
        for each in lanes:
            found = builder.fadd(found, builder.load(each))
        builder.store(found, place(data, at), align=size)
    return context.get_dummy_value()
