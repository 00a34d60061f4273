"""The second derivative of a support loss, times a direction, at weights where a loop has taken the gradient."""

from __future__ import annotations

import numpy as np

from lambda_core.compiled.buffers import Array, Buffers, Key, borrow, give_back
from lambda_core.compiled.loop import CompiledLoop
from lambda_core.patterns import Row


class HessianProduct:
    """Products for loops of one network, number of images and type. key: that of their buffers; lowest: no direction
    changes a layer below it, and what enters it is the same in all loops.

    The tangents have the shapes of what they are tangents of, so they lie in buffers like the loop's own: the
    direction in `tangents.weights`, the product in `tangents.gradients`.
    """

    def __init__(self, key: Key, lowest: int) -> None:
        self.network, self.lowest = key[0], lowest
        self.tangents: Buffers = borrow(*key)
        self._room: Array = np.empty_like(max((block.product for block in self.tangents.blocks), key=len).reshape(-1))
        self._below = np.zeros_like(self._gradient_below(lowest))

    def __del__(self) -> None:
        if hasattr(self, "tangents"):
            give_back(self.tangents)

    def __call__(self, loop: CompiledLoop, row: Row) -> None:
        """The product, for the layers from `lowest` up. The direction is 0 where `row` updates nothing; `loop` has
        taken `gradients(row)`.
        """
        lowest, head = row.index(True), loop.head
        for layer in range(lowest, head):
            self._forward(loop, layer, follows=layer > lowest)
        self._through_the_head(loop, follows=lowest < head)
        for layer in range(head - 1, lowest - 1, -1):
            self._backward(loop, layer, follows=layer > lowest)
        for layer in range(lowest - 1, self.lowest - 1, -1):
            self._plainly_backward(loop, layer)
        self._below += self._gradient_below(self.lowest)

    def finish(self, loop: CompiledLoop) -> None:
        """The sum of all products so far, for the layers below `lowest`: one pass, since it is linear. loop: one that
        has gone through them.
        """
        self._gradient_below(self.lowest)[:] = self._below
        for layer in range(self.lowest - 1, -1, -1):
            self._plainly_backward(loop, layer)

    def _forward(self, loop: CompiledLoop, layer: int, *, follows: bool) -> None:
        from lambda_core.compiled.second_order.tangents import forward_tangent

        (block,), own, own_t = self.network.blocks[layer], loop.buffers.blocks[layer], self.tangents.blocks[layer]
        filters, scale, _ = loop.buffers.weights.arrays[layer]
        filters_t, scale_t, shift_t = self.tangents.weights.arrays[layer]
        forward_tangent(
            own.x, own_t.x if follows else own_t.x[:0], filters, filters_t, scale, scale_t, shift_t,
            block.height, block.width, block.channels, own.product, own.moments, own.raw, own.pooled, own.margin,
            own_t.product, own_t.moments, own_t.raw, own_t.pooled, self._room_of(block.places, own.product.shape[1]),
        )  # fmt: skip

    def _through_the_head(self, loop: CompiledLoop, *, follows: bool) -> None:
        from lambda_core.compiled.second_order.tangents import head_tangent

        tangents, (weight, bias) = self.tangents, loop.buffers.weights.arrays[-1]
        weight_t, bias_t = tangents.weights.arrays[-1]
        features_t = tangents.features if follows else tangents.features[:0]
        head_tangent(
            loop.buffers.features, features_t, loop.labels, weight, weight_t, bias, bias_t,
            *tangents.gradients.arrays[-1], tangents.to_features,
        )  # fmt: skip

    def _backward(self, loop: CompiledLoop, layer: int, *, follows: bool) -> None:
        from lambda_core.compiled.second_order.tangents import backward_tangent

        (block,), own, own_t = self.network.blocks[layer], loop.buffers.blocks[layer], self.tangents.blocks[layer]
        filters, scale, _ = loop.buffers.weights.arrays[layer]
        filters_t, scale_t, _ = self.tangents.weights.arrays[layer]
        _, to_scale, to_shift = loop.buffers.gradients.arrays[layer]
        to_x_t = self._gradient_below(layer)
        backward_tangent(
            own.gradient, own_t.gradient, own.x, own_t.x if follows else own_t.x[:0], filters, filters_t, scale,
            scale_t, block.height, block.width, block.channels, own.product, own.moments, own.raw, own.pooled,
            own.margin, to_scale, to_shift, own_t.product, own_t.moments, own_t.raw,
            *self.tangents.gradients.arrays[layer], loop.buffers.to_product_of(block),
            self.tangents.to_product_of(block), loop.buffers.turned_of(block) if layer else to_x_t,
            self.tangents.turned_of(block) if layer else to_x_t, to_x_t,
            self._room_of(block.places, to_x_t.shape[1]),
        )  # fmt: skip

    def _plainly_backward(self, loop: CompiledLoop, layer: int) -> None:
        """Below the lowest layer that the direction changes, gradients change by the chain rule alone."""
        from lambda_core.compiled.steps import backward

        (block,), own, own_t = self.network.blocks[layer], loop.buffers.blocks[layer], self.tangents.blocks[layer]
        filters, scale, _ = loop.buffers.weights.arrays[layer]
        to_x_t = self._gradient_below(layer)
        backward(
            own_t.gradient, own.x, filters, scale, block.height, block.width, block.channels, own.product, own.moments,
            own.raw, own.pooled, own.margin, *self.tangents.gradients.arrays[layer], self.tangents.to_product_of(block),
            self.tangents.turned_of(block) if layer else to_x_t, to_x_t, *own_t.backward,
        )  # fmt: skip

    def _gradient_below(self, layer: int) -> Array:
        return self.tangents.blocks[layer - 1].gradient if layer else self.tangents.to_features[:0]

    def _room_of(self, places: int, channels: int) -> Array:
        """For the product of one image."""
        return self._room[: places * channels].reshape(places, channels)
