"""The innermost kernel of all convolutions, a small matrix product whose result stays in the processor's registers.

Written as LLVM's own vector instructions, since no compiler finds it by itself: with the result in registers every
multiply-add reads one number and a row that is in the cache, and both may lie anywhere in the images, so that a
convolution needs no patches (Zhang, Franchetti and Low 2018, arXiv 1809.10170).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDE = bool(binding.get_host_cpu_features().get("avx512f"))  # 32 registers of 64 bytes; elsewhere 16 of 32 are assumed
VECTOR_BYTES = 64 if WIDE else 32  # of a register
ROW_BYTES = 2 * VECTOR_BYTES  # of a result's row

Matrix = Sequence[Sequence[float]]


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


def tile_transform(matrix: Matrix) -> Callable[..., None]:
    """A kernel for compiled code: target[i, j] = Σ_a Σ_b matrix[i][a] · matrix[j][b] · source[a, b], of registers.

    It takes flat arrays of one float type, each with the place where it starts and its strides, in numbers: source,
    start, of a, of b; target, start, of i, of j.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def kernel(
        _: Any, source: Any, source_start: Any, of_a: Any, of_b: Any,  # noqa: ARG001
        target: Any, target_start: Any, of_i: Any, of_j: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(source, *(place,) * 3, target, *(place,) * 3)
        return signature, lambda *given: _transform_code(matrix, *given)

    made: Callable[..., None] = kernel
    return made


def _transform_code(matrix: Matrix, context: Any, builder: Any, signature: Any, given: Any) -> Any:
    source, source_start, of_a, of_b, target, target_start, of_i, of_j = given
    number, size = context.get_data_type(signature.args[0].dtype), signature.args[0].dtype.bitwidth // 8
    register, place = ir.VectorType(number, VECTOR_BYTES // size), source_start.type

    def at(kind: Any, array: Any, start: Any, across: Any, along: Any, line: int, column: int) -> Any:
        data = context.make_array(kind)(context, builder, array).data
        moved = builder.add(builder.mul(across, place(line)), builder.mul(along, place(column)))
        return builder.bitcast(builder.gep(data, [builder.add(start, moved)]), register.as_pointer())

    read = partial(at, signature.args[0], source, source_start, of_a, of_b)
    write = partial(at, signature.args[4], target, target_start, of_i, of_j)
    each = range(len(matrix[0]))
    tile = [[builder.load(read(a, b), align=size) for b in each] for a in each]
    lines = [[_combined(builder, factors, [tile[a][b] for a in each]) for b in each] for factors in matrix]
    for i, line in enumerate(lines):
        for j, factors in enumerate(matrix):
            builder.store(_combined(builder, factors, line), write(i, j), align=size)
    return context.get_dummy_value()


def _combined(builder: Any, factors: Sequence[float], registers: Sequence[Any]) -> Any:
    """The sum of factor · register; where a factor is 0, 1 or −1 nothing is multiplied."""
    total: Any = None
    for factor, each in zip(factors, registers, strict=True):
        if factor == 0:
            continue
        kind = each.type
        part = each if abs(factor) == 1 else builder.fmul(each, ir.Constant(kind, [abs(factor)] * kind.count))
        before = ir.Constant(kind, [-0.0] * kind.count) if total is None else total
        total = part if total is None and factor > 0 else (builder.fadd if factor > 0 else builder.fsub)(before, part)
    return total


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
