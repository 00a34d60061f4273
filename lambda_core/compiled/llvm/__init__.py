"""What numba and LLVM are told that they do not find by themselves: vector instructions, and how long code is good for.

Belongs here: kernels written as instructions, and the keeping of compiled code. Does not: what is computed with them
(`compiled`).
"""

from lambda_core.compiled.llvm.kept import kept_between_processes
from lambda_core.compiled.llvm.products import (
    PROCESSOR,
    ROW_BYTES,
    VECTOR_BYTES,
    WIDE,
    block_product,
    lines_product,
    pairs_product,
    tile_transform,
)
from lambda_core.compiled.llvm.sums import register_sums

__all__ = [
    "PROCESSOR",
    "ROW_BYTES",
    "VECTOR_BYTES",
    "WIDE",
    "block_product",
    "kept_between_processes",
    "lines_product",
    "pairs_product",
    "register_sums",
    "tile_transform",
]
