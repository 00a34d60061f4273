"""The innermost kernel of all convolutions, a small matrix product whose result stays in the processor's registers.

Written as LLVM's own vector instructions, since no compiler finds it by itself: with the result in registers every
multiply-add reads one number and a row that is in the cache, and both may lie anywhere in the images, so that a
convolution needs no patches (Zhang, Franchetti and Low 2018, arXiv 1809.10170).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

# What numba compiles for: this processor, or what NUMBA_CPU_NAME and NUMBA_CPU_FEATURES say.
_, PROCESSOR, FEATURES = cpu_target.target_context.codegen().magic_tuple()
WIDE = "+avx512f" in FEATURES.split(",")  # 32 registers of 64 bytes; elsewhere 16 of 32 are assumed
VECTOR_BYTES = 64 if WIDE else 32  # of a register
ROW_BYTES = 2 * VECTOR_BYTES  # of a result's row

Matrix = Sequence[Sequence[float]]


def block_product(rows: int, *, add: bool, row_bytes: int = ROW_BYTES) -> Callable[..., None]:
    """A kernel of so many rows, for compiled code: c[r, :] = Σ_s Σ_k a[s, k, r] · b[s, k, :], or += that where `add`.

    It takes flat arrays of one float type, each with the place where it starts and its strides, in numbers: a, start,
    of s, of k, of r; b, start, of s, of k; c, start, of r; then how many s and k there are. A row of b and c has
    `row_bytes`, all of which are read and written.
    """
    return _as_kernel(partial(_code, rows, rows, add, row_bytes))


def _as_kernel(code: Callable[..., Any]) -> Callable[..., None]:
    """What compiled code calls with the arguments that `block_product` lists. code: writes it down."""

    @intrinsic  # type: ignore[untyped-decorator]
    def kernel(
        _: Any, a: Any, a_start: Any, a_s: Any, a_k: Any, a_r: Any, b: Any, b_start: Any, b_s: Any, b_k: Any,  # noqa: ARG001
        c: Any, c_start: Any, c_r: Any, s: Any, k: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(a, *(place,) * 4, b, *(place,) * 3, c, *(place,) * 4)
        return signature, code

    made: Callable[..., None] = kernel
    return made


def lines_product(lines: int, rows: int, *, row_bytes: int = ROW_BYTES) -> Callable[..., None]:
    """`block_product`, of so many lines of rows each: it takes one more stride at the end, from line to line of a."""

    @intrinsic  # type: ignore[untyped-decorator]
    def kernel(
        _: Any, a: Any, a_start: Any, a_s: Any, a_k: Any, a_r: Any, b: Any, b_start: Any, b_s: Any, b_k: Any,  # noqa: ARG001
        c: Any, c_start: Any, c_r: Any, s: Any, k: Any, a_line: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(a, *(place,) * 4, b, *(place,) * 3, c, *(place,) * 5)
        return signature, lambda *given: _code(lines * rows, rows, False, row_bytes, *given)

    made: Callable[..., None] = kernel
    return made


def pairs_product(rows: int, *, row_bytes: int) -> Callable[..., None]:
    """`block_product` whose result's rows fill half a register: of two k each half takes one. An even number of k, side
    by side in a, so that a's stride of k is 1, whatever it is given.
    """
    return _as_kernel(partial(_pairs_code, rows, row_bytes))


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


def _code(
    rows: int, of_line: int, add: bool, row_bytes: int, context: Any, builder: Any, signature: Any, given: Any
) -> Any:
    a, a_start, a_s, a_k, a_r, b, b_start, b_s, b_k, c, c_start, c_r, count_s, count_k, *a_line = given
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
    apart = [builder.mul(a_r, place(each % of_line)) for each in range(rows)]
    for stride in a_line:
        apart = [builder.add(near, builder.mul(stride, place(each // of_line))) for each, near in enumerate(apart)]
    fused = multiply_add(builder, row, size)
    with cgutils.for_range(builder, count_s) as outer:
        from_a = builder.add(a_start, builder.mul(a_s, outer.index))
        from_b = builder.add(b_start, builder.mul(b_s, outer.index))
        with cgutils.for_range(builder, count_k) as inner:
            at_a = builder.add(from_a, builder.mul(a_k, inner.index))
            of_b = builder.load(row_at(data_b, builder.add(from_b, builder.mul(b_k, inner.index))), align=size)
            for each, distance in zip(sums, apart, strict=True):
                of_a = builder.load(builder.gep(data_a, [builder.add(at_a, distance)]))
                factors = [_everywhere(builder, row, of_a), of_b, builder.load(each)]
                builder.store(builder.call(fused, factors), each)
    for each, result in zip(sums, results, strict=True):
        builder.store(builder.load(each), result, align=size)
    return context.get_dummy_value()


def _pairs_code(rows: int, row_bytes: int, context: Any, builder: Any, signature: Any, given: Any) -> Any:
    a, a_start, a_s, _, a_r, b, b_start, b_s, b_k, c, c_start, c_r, count_s, count_k = given
    data_a, data_b, data_c = (
        context.make_array(signature.args[place])(context, builder, array).data
        for place, array in ((0, a), (5, b), (9, c))
    )
    number, size = context.get_data_type(signature.args[0].dtype), signature.args[0].dtype.bitwidth // 8
    half = row_bytes // size
    row, whole, place = ir.VectorType(number, half), ir.VectorType(number, 2 * half), count_k.type

    def load(data: Any, start: Any, kind: Any) -> Any:
        return builder.load(builder.bitcast(builder.gep(data, [start]), kind.as_pointer()), align=size)

    def picked(one: Any, other: Any, lanes: Sequence[int]) -> Any:
        return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes)))

    sums = [cgutils.alloca_once(builder, whole) for _ in range(rows)]
    for each in sums:
        builder.store(ir.Constant(whole, None), each)
    fused, pairs = multiply_add(builder, whole, size), builder.sdiv(count_k, place(2))
    with cgutils.for_range(builder, count_s) as outer:
        from_a = builder.add(a_start, builder.mul(a_s, outer.index))
        from_b = builder.add(b_start, builder.mul(b_s, outer.index))
        with cgutils.for_range(builder, pairs) as inner:
            first = builder.mul(inner.index, place(2))
            at_b = builder.add(from_b, builder.mul(b_k, first))
            both = load(data_b, at_b, row), load(data_b, builder.add(at_b, b_k), row)
            of_b = picked(*both, [lane // 2 + lane % 2 * half for lane in range(2 * half)])
            for number_of_row, each in enumerate(sums):
                at_a = builder.add(builder.add(from_a, first), builder.mul(a_r, place(number_of_row)))
                pair = load(data_a, at_a, ir.VectorType(number, 2))
                of_a = picked(pair, ir.Constant(pair.type, ir.Undefined), [0, 1] * half)
                builder.store(builder.call(fused, [of_a, of_b, builder.load(each)]), each)
    for number_of_row, each in enumerate(sums):
        found = builder.load(each)
        even, odd = (picked(found, ir.Constant(whole, ir.Undefined), range(lane, 2 * half, 2)) for lane in (0, 1))
        at_c = builder.gep(data_c, [builder.add(c_start, builder.mul(c_r, place(number_of_row)))])
        builder.store(builder.fadd(even, odd), builder.bitcast(at_c, row.as_pointer()), align=size)
    return context.get_dummy_value()


def multiply_add(builder: Any, row: Any, size: int) -> Any:
    """x · y + z of rows, in one rounding where the processor has that."""
    name = f"llvm.fmuladd.v{row.count}f{8 * size}"
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(row, [row] * 3), name)


def _everywhere(builder: Any, row: Any, value: Any) -> Any:
    first = builder.insert_element(ir.Constant(row, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), row.count), [0] * row.count)
    return builder.shuffle_vector(first, ir.Constant(row, ir.Undefined), zeros)
