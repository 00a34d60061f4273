"""Queries of one episode under many weights that are all adapted from the same start."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lambda_core.compiled.buffers import borrow, give_back
from lambda_core.compiled.layouts import take_images
from lambda_core.compiled.loop import CompiledLoop


class CompiledQueries:
    """The queries of a loop's episode, normalised by their own statistics.

    loop: whose weights score them, at its start's now; query_x: (Q, C, H, W) of the support set's type.
    """

    def __init__(self, loop: CompiledLoop, query_x: Tensor) -> None:
        self.loop, self._head = loop, loop.head
        self.buffers = borrow(loop.network, len(query_x), self._head, query_x.dtype)
        take_images(query_x, self.buffers.images)
        self._of_start = 0  # so many blocks' output is that of the start's weights
        self._forward(0)
        self._of_start = self._head

    def __del__(self) -> None:
        if hasattr(self, "buffers"):
            give_back(self.buffers)

    def logits(self, lowest: int) -> Tensor:
        """(Q, ways) under the loop's weights now; those below layer `lowest` are the start's."""
        from lambda_core.compiled.steps import to_logits

        self._forward(min(self._of_start, lowest))
        self._of_start = lowest
        features = self.buffers.features
        found = np.empty((len(features), self.loop.network.ways), features.dtype)
        to_logits(features, *self.loop.buffers.weights.arrays[-1], found)
        return torch.from_numpy(found)

    def _forward(self, lowest: int) -> None:
        for layer in range(lowest, self._head):
            self.buffers.forward(layer, self.loop.buffers.weights.arrays[layer])
