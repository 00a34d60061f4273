"""How weights and images lie for the kernels, and how they come there from the model's and the user's tensors.

Belongs here: one network's weights, or gradients to them, in one row; copies into another order of dimensions. Does
not: what is computed with them (`compiled`).
"""

from lambda_core.compiled.layouts.aligned import LINE_BYTES, aligned_zeros
from lambda_core.compiled.layouts.flat_weights import FlatWeights
from lambda_core.compiled.layouts.images import take_images

__all__ = ["LINE_BYTES", "FlatWeights", "aligned_zeros", "take_images"]
