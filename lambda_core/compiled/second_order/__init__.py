"""The meta-gradient of the compiled loop: back through its steps by products of the support loss's second derivative.

Belongs here: tangents of the compiled passes and what they are put together to. Does not: which tasks a meta-gradient
is of, or any other model's (`training`, by autograd), which is also what a result here is held against.
"""

from lambda_core.compiled.second_order.meta_gradient import MetaGradient, compiled_meta_bytes, compiled_meta_gradient

__all__ = ["MetaGradient", "compiled_meta_bytes", "compiled_meta_gradient"]
