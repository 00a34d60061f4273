"""Fast passes over tensors: normalisation with pooling, patches, layers with their backward passes written out.

Belongs here: what computes the same as torch's own modules, for less. Does not: named layers of a model (`backbones`)
or the steps of an adaptation (`adaptation`).
"""

from lambda_core.kernels.batch_norm import BatchNormByParts, batch_norm_by_parts
from lambda_core.kernels.cross_entropy import CrossEntropy
from lambda_core.kernels.layer_passes import LayerPasses, layer_passes_of
from lambda_core.kernels.live_bytes import LiveBytes
from lambda_core.kernels.module_passes import (
    Convolution,
    Flattening,
    LinearMap,
    NormPoolPass,
    Weights,
    calls_nothing_else,
)
from lambda_core.kernels.norm_pool import NormPool, norm_pool_relu, normalise_by_first

__all__ = [
    "BatchNormByParts",
    "Convolution",
    "CrossEntropy",
    "Flattening",
    "LayerPasses",
    "LinearMap",
    "LiveBytes",
    "NormPool",
    "NormPoolPass",
    "Weights",
    "batch_norm_by_parts",
    "calls_nothing_else",
    "layer_passes_of",
    "norm_pool_relu",
    "normalise_by_first",
]
