"""The inner loop of convolution or residual blocks and a linear head, compiled.

Belongs here: what runs without the interpreter between two steps, its buffers and what it applies to. Does not: the
inner loop of any other model (`adaptation`), which is also what a result here is held against.
"""

from lambda_core.compiled.applies import compiled_loop, instructions
from lambda_core.compiled.loop import CompiledLoop
from lambda_core.compiled.memory import compiled_peak
from lambda_core.compiled.queries import CompiledQueries
from lambda_core.compiled.second_order import MetaGradient, compiled_meta_bytes, compiled_meta_gradient

__all__ = [
    "CompiledLoop",
    "CompiledQueries",
    "MetaGradient",
    "compiled_loop",
    "compiled_meta_bytes",
    "compiled_meta_gradient",
    "compiled_peak",
    "instructions",
]
