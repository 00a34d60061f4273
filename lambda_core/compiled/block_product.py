"""The innermost kernel of all convolutions, a small matrix product whose result stays in the processor's registers.

Written as LLVM's own vector instructions, since no compiler finds it by itself: with the result in registers every
multiply-add reads one number and a row that is in the cache, and both may lie anywhere in the images, so that a
convolution needs no patches (Zhang, Franchetti and Low 2018, arXiv 1809.10170).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDE = bool(binding.get_host_cpu_features().get("avx512f"))  # 32 registers of 64 bytes; elsewhere 16 of 32 are assumed
ROW_BYTES = 128 if WIDE else 64  # of a result's row: two registers


def block_product(rows: int, *, add: bool, row_bytes: int = ROW_BYTES) -> Callable[..., None]:
    """A kernel of so many rows, for compiled code: c[r, :] = Σ_s Σ_k a[s, k, r] · b[s, k, :], or += that where `add`.

    It takes flat arrays of one float type, each with the place where it starts and its strides, in numbers: a, start,
    of s, of k, of r; b, start, of s, of k; c, start, of r; then how many s and k there are. A row of b and c has
    `row_bytes`, all of which are read and written.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def kernel(
        _: Any, a: Any, a_start: Any, a_s: Any, a_k: Any, a_r: Any, b: Any, b_start: Any, b_s: Any, b_k: Any,  # noqa: ARG001
        c: Any, c_start: Any, c_r: Any, s: Any, k: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(a, *(place,) * 4, b, *(place,) * 3, c, *(place,) * 4)
        return signature, lambda *given: _code(rows, add, row_bytes, *given)

    made: Callable[..., None] = kernel
    return made


def _code(rows: int, add: bool, row_bytes: int, context: Any, builder: Any, signature: Any, given: Any) -> Any:
    a, a_start, a_s, a_k, a_r, b, b_start, b_s, b_k, c, c_start, c_r, count_s, count_k = given
    data_a, data_b, data_c = (
        context.make_array(signature.args[place])(context, builder, array).data
        for place, array in ((0, a), (5, b), (9, c))
    )
    number, size = context.get_data_type(signature.args[0].dtype), signature.args[0].dtype.bitwidth // 8
    row = ir.VectorType(number, row_bytes // size)
    place = count_k.type

    def row_at(data: Any, start: Any) -> Any:
        return builder.bitcast(builder.gep(data, [start]), row.as_pointer())

    results = [row_at(data_c, builder.add(c_start, builder.mul(c_r, place(each)))) for each in range(rows)]
    sums = [cgutils.alloca_once(builder, row) for _ in range(rows)]  # which LLVM keeps in registers
    for each, result in zip(sums, results, strict=True):
        builder.store(builder.load(result, align=size) if add else ir.Constant(row, None), each)
    apart = [builder.mul(a_r, place(each)) for each in range(rows)]
    multiply_add = _multiply_add(builder, row, size)
    with cgutils.for_range(builder, count_s) as outer:
        from_a = builder.add(a_start, builder.mul(a_s, outer.index))
        from_b = builder.add(b_start, builder.mul(b_s, outer.index))
        with cgutils.for_range(builder, count_k) as inner:
            at_a = builder.add(from_a, builder.mul(a_k, inner.index))
            of_b = builder.load(row_at(data_b, builder.add(from_b, builder.mul(b_k, inner.index))), align=size)
            for each, distance in zip(sums, apart, strict=True):
                of_a = builder.load(builder.gep(data_a, [builder.add(at_a, distance)]))
                factors = [_everywhere(builder, row, of_a), of_b, builder.load(each)]
                builder.store(builder.call(multiply_add, factors), each)
    for each, result in zip(sums, results, strict=True):
        builder.store(builder.load(each), result, align=size)
    return context.get_dummy_value()


def _multiply_add(builder: Any, row: Any, size: int) -> Any:
    """x · y + z of rows, in one rounding where the processor has that."""
    name = f"llvm.fmuladd.v{row.count}f{8 * size}"
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(row, [row] * 3), name)


def _everywhere(builder: Any, row: Any, value: Any) -> Any:
    first = builder.insert_element(ir.Constant(row, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), row.count), [0] * row.count)
    return builder.shuffle_vector(first, ir.Constant(row, ir.Undefined), zeros)
