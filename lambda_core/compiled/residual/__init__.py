"""The compiled loop's part for residual networks: which they are, their buffers, and the kernels of a block.

Belongs here: blocks of several convolutions with a shortcut. Does not: what every compiled network shares, such as its
weights, its head and the loop itself (`compiled`).
"""

from lambda_core.compiled.residual.buffers import ResidualBuffers
from lambda_core.compiled.residual.network import ResidualNetwork

__all__ = ["ResidualBuffers", "ResidualNetwork"]
