"""Networks as rows of named layers: ready-made ones, and the view of a user's own that the inner loop works on.

Belongs here: what a model is, what its layers are called and cost. Does not: gradients and steps (`adaptation`).
"""

from lambda_core.backbones.backbone import Backbone, Layer, layer_names
from lambda_core.backbones.blocks import IMAGENET, Normalise, Residual, ResidualBlock
from lambda_core.backbones.description import described, from_description
from lambda_core.backbones.inspection import is_known_repeatable
from lambda_core.backbones.memory import layer_memory
from lambda_core.backbones.multiply_adds import layer_costs, layer_products
from lambda_core.backbones.networks import (
    build_model,
    conv4,
    mlp,
    new_network,
    own_network,
    own_statistics,
    resnet12,
    resnet_stages,
    with_statistics,
)
from lambda_core.backbones.normalisations import scales_and_shifts, takes_batch_statistics
from lambda_core.backbones.pretrained import PREFIXES, in_our_names, pretrained_network
from lambda_core.backbones.stages import layers_of
from lambda_core.backbones.weights import HEADS, fill, fill_but_head, with_ways

__all__ = [
    "HEADS",
    "IMAGENET",
    "PREFIXES",
    "Backbone",
    "Layer",
    "Normalise",
    "Residual",
    "ResidualBlock",
    "build_model",
    "conv4",
    "described",
    "fill",
    "fill_but_head",
    "from_description",
    "in_our_names",
    "is_known_repeatable",
    "layer_costs",
    "layer_memory",
    "layer_names",
    "layer_products",
    "layers_of",
    "mlp",
    "new_network",
    "own_network",
    "own_statistics",
    "pretrained_network",
    "resnet12",
    "resnet_stages",
    "scales_and_shifts",
    "takes_batch_statistics",
    "with_statistics",
    "with_ways",
]
