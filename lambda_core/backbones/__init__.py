"""Networks as rows of named layers: ready-made ones, and the view of a user's own that the inner loop works on.

Belongs here: what a model is, what its layers are called and cost. Does not: gradients and steps (`adaptation`).
"""

from lambda_core.backbones.backbone import Backbone, Layer, layer_names
from lambda_core.backbones.memory import layer_memory
from lambda_core.backbones.multiply_adds import layer_costs, layer_products
from lambda_core.backbones.networks import ResidualBlock, build_model, conv4, mlp, resnet12, resnet_stages, start_from
from lambda_core.backbones.stages import layers_of

__all__ = [
    "Backbone",
    "Layer",
    "ResidualBlock",
    "build_model",
    "conv4",
    "layer_costs",
    "layer_memory",
    "layer_names",
    "layer_products",
    "layers_of",
    "mlp",
    "resnet12",
    "resnet_stages",
    "start_from",
]
