"""The support set's activations, kept for as long as the layers below them are unchanged.

With batch statistics, or with running statistics that are only read, a layer's output depends on the support batch and
on the weights up to that layer, and on nothing else. So it is right until one of those weights changes.
"""

from __future__ import annotations

from torch import Tensor

from lambda_core.backbones import Backbone
from lambda_core.kernels import LayerPasses, Weights


class SupportActivations:
    """inputs[i] enters layer i under the present weights, for as many layers as are still right.

    backbone: whose layers; support_x: (N·K, …) float, in any memory layout.
    """

    def __init__(self, backbone: Backbone, support_x: Tensor) -> None:
        self.backbone = backbone
        self.inputs = [backbone.prepare_input(support_x)]
        self._patches: dict[int, Tensor | None] = {}  # of those inputs, where a convolution starts from them

    def fork(self) -> SupportActivations:
        """A copy that goes on by itself and shares what is computed so far."""
        other = object.__new__(SupportActivations)
        other.backbone, other.inputs, other._patches = self.backbone, list(self.inputs), dict(self._patches)
        return other

    def input_of(self, layer: int, weights: list[Weights]) -> Tensor:
        """What enters `layer`, computed from the highest activations that are still right."""
        while len(self.inputs) <= layer:
            below = len(self.inputs) - 1
            self.inputs.append(self.backbone.layers[below].forward(weights[below], self.inputs[below]))
        return self.inputs[layer]

    def patches_of(self, layer: int, passes: LayerPasses) -> Tensor | None:
        """Patches of a layer's input, made once for as long as that input stays; None where they do not pay."""
        if layer not in self._patches:
            self._patches[layer] = passes.patches(self.inputs[layer])
        return self._patches[layer]

    def forget_above(self, layer: int) -> None:
        """The weights of `layer` have changed: what lies above it is no longer right."""
        del self.inputs[layer + 1 :]
        self._patches = {place: value for place, value in self._patches.items() if place <= layer}
