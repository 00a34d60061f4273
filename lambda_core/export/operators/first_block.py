"""A first convolution with normalisation and pooling, whose input stays the same while its weights change.

With centred patches P, a row a place, output channel w has mean zero and variance w·C·w, C = PᵀP / M. So scale and
shift go into the product, the statistics need no pass over it, and backward needs only Pᵀu (u: the gradient at the
maxima): the gradient through the normalisation is γσ (Pᵀu − C w σ Σ u x̂), and Σ u x̂ = σ w·Pᵀu.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lambda_core.export.operators.convolution import Convolution
from lambda_core.export.operators.graph_builder import GraphBuilder
from lambda_core.export.operators.normalisation import Normalisation, inverse_deviation
from lambda_core.export.operators.passes import Names, Pass, Steps
from lambda_core.export.operators.places import Image, Rows
from lambda_core.export.operators.pooling import STEEP, MaxPooling, Rectifier, to_winner

FEW_CHANNELS = 4  # C costs as much as two forward passes at four channels, and sixteen at 32


@dataclass(frozen=True)
class Patches:
    """Patches of an image, a block for each place of a 2×2 window, transposed (9 · channels + 1, M / 4) and not.

    covariance: C, (9 · channels, 9 · channels). The last row is ones, for the shift.
    """

    turned: list[str]
    plain: list[str]
    covariance: str


@dataclass(frozen=True)
class FirstBlock:
    conv: Convolution
    norm: Normalisation

    @classmethod
    def of(cls, parts: Sequence[Pass], x: Image) -> FirstBlock | None:
        """The block that these parts are, if they are one and it suits the image."""
        kinds = [type(part) for part in parts]
        even = x.height % 2 == 0 and x.width % 2 == 0 and x.channels <= FEW_CHANNELS
        if kinds != [Convolution, Normalisation, MaxPooling, Rectifier] or not even:
            return None
        conv, norm, _, rectifier = parts
        assert isinstance(conv, Convolution)
        assert isinstance(norm, Normalisation)
        return cls(conv, norm) if conv.size == 3 and rectifier == Rectifier() else None

    def forward(self, g: GraphBuilder, weights: Names, x: Image) -> tuple[Rows, Any]:
        patches, weight = patches_of_image(g, x), weights[self.conv.weight]
        through = g.add("MatMul", patches.covariance, weight)
        variance = g.reduce("ReduceSum", g.add("Mul", weight, through), (0,))
        deviation = inverse_deviation(g, variance, self.norm.eps)
        scale = g.add("Mul", weights[self.norm.weight], deviation)
        shift = g.reshape(weights[self.norm.bias], (1, self.conv.outputs))
        scaled = g.add("Concat", g.add("Mul", weight, scale), shift, axis=0)
        blocks = [g.add("MatMul", each, scaled) for each in patches.plain]
        upper, lower = g.add("Max", blocks[0], blocks[2]), g.add("Max", blocks[1], blocks[3])
        y = g.add("Relu", g.add("Max", upper, lower))
        saved = x, patches, through, deviation, scale, blocks, upper, lower, y
        return Rows(y, x.n, self.conv.outputs, x.height // 2, x.width // 2), saved

    def backward(self, g: GraphBuilder, weights: Names, saved: Any, gradient: Rows, steps: Steps) -> Names:
        """All its weights after a step."""
        x, patches, through, deviation, scale, blocks, upper, lower, y = saved
        at_maxima = g.add("Mul", gradient.value, g.add("HardSigmoid", y, alpha=STEEP, beta=0.0))
        of_upper, of_lower = to_winner(g, at_maxima, upper, g.add("Max", upper, lower))
        upper_left, upper_right = to_winner(g, of_upper, blocks[0], upper)
        lower_left, lower_right = to_winner(g, of_lower, blocks[1], lower)
        u = upper_left, lower_left, upper_right, lower_right
        products = [g.add("MatMul", each, own) for each, own in zip(patches.turned, u, strict=True)]
        sizes = g.constant([9 * x.channels, 1], np.int64)
        to_patches, to_bias = g.add_several("Split", [g.add("Sum", *products), sizes], 2, axis=0)
        weight = weights[self.conv.weight]
        to_weight = g.add("Mul", deviation, g.reduce("ReduceSum", g.add("Mul", weight, to_patches), (0,)))
        along = g.add("Mul", through, g.add("Mul", deviation, to_weight))
        difference = g.add("Sub", to_patches, along)
        return {
            self.conv.weight: g.minus(weight, g.add("Mul", difference, scale), steps[self.conv.weight]),
            self.norm.weight: g.minus(weights[self.norm.weight], to_weight, steps[self.norm.weight]),
            self.norm.bias: g.minus(
                weights[self.norm.bias], g.reshape(to_bias, (gradient.channels,)), steps[self.norm.bias]
            ),
        }


def patches_of_image(g: GraphBuilder, x: Image) -> Patches:
    """Centred patches of an image of even height and width."""
    half, across, count = x.height // 2, x.width // 2, x.n * (x.height // 2) * (x.width // 2)
    padded = g.add("Pad", x.value, g.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    apart = g.reshape(padded, (x.n, x.channels, half + 1, 2, across + 1, 2))
    phases = g.add("Transpose", apart, perm=[3, 5, 1, 0, 2, 4])  # odd row?, odd column?, channel, image, row, column

    def shifted(down: int, right: int) -> str:
        start = down % 2, right % 2, down // 2, right // 2
        end = start[0] + 1, start[1] + 1, start[2] + half, start[3] + across
        bounds = [g.constant(each, np.int64) for each in (start, end, (0, 1, 4, 5))]
        return g.reshape(g.add("Slice", phases, *bounds), (x.channels, count))

    blocks = [
        g.add("Concat", *[shifted(top + down, left + right) for down in range(3) for right in range(3)], axis=0)
        for left in (0, 1)
        for top in (0, 1)
    ]
    together = g.add("Concat", *blocks, axis=1)
    centred = g.add("Sub", together, g.reduce("ReduceMean", together, (1,), keepdims=True))
    covariance = g.add("Gemm", centred, centred, transB=1, alpha=1 / (4 * count))
    with_ones = g.add("Concat", centred, g.constant(np.ones((1, 4 * count))), axis=0)
    turned = g.add_several("Split", [with_ones], 4, axis=1, num_outputs=4)
    return Patches(turned, [g.add("Transpose", each, perm=[1, 0]) for each in turned], covariance)
