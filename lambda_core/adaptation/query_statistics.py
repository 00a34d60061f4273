"""Query predictions under either choice of statistics: the queries' own (transductive), or the support set's.

Transductive is what the few-shot literature reports with MAML. Support statistics let queries come one at a time: every
normalisation uses mean and variance of the support set under the same (adapted) weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from lambda_core.backbones import Backbone, Layer
from lambda_core.episodes import Episode
from lambda_core.errors import ConfigError
from lambda_core.kernels import NormPool, Weights, normalise_by_first

CHOICES = ("transductive", "support")


def query_logits(
    backbone: Backbone, weights: list[Weights], support_x: Tensor, query_x: Tensor, query_statistics: str
) -> Tensor:
    """Logits of the queries, (Q, ways)."""
    batch, leading = _batch(backbone, support_x, query_x, query_statistics)
    return _onward(backbone, weights, batch, leading)[leading:]


class QueryScorer:
    """One episode's queries under many weights that are all adapted from `start`."""

    def __init__(self, backbone: Backbone, start: list[Weights], episode: Episode, query_statistics: str) -> None:
        self.backbone, self.start = backbone, start
        batch, self._leading = _batch(backbone, episode.support_x, episode.query_x, query_statistics)
        self._inputs = [batch]
        self._fixed: dict[int, Callable[[Weights], Tensor]] = {}

    def logits(self, weights: list[Weights], lowest: int) -> Tensor:
        """(Q, ways), without gradients. The layers below `lowest` are those of the start: what the queries are there is
        computed once.
        """
        with torch.inference_mode():
            x = self._input_of(lowest)
            if self._leading:
                return _onward(self.backbone, weights, x, self._leading, lowest)[self._leading :]
            if lowest not in self._fixed:
                self._fixed[lowest] = self.backbone.layers[lowest].for_constant_input(x)
            return self.backbone.forward(weights, self._fixed[lowest](weights[lowest]), lowest + 1)

    def _input_of(self, layer: int) -> Tensor:
        while len(self._inputs) <= layer:
            below = len(self._inputs) - 1
            self._inputs.append(
                _onward(self.backbone, self.start, self._inputs[below], self._leading, below, below + 1)
            )
        return self._inputs[layer]


def _batch(backbone: Backbone, support_x: Tensor, query_x: Tensor, query_statistics: str) -> tuple[Tensor, int]:
    """What is to pass through the network, and how many leading rows of it give the statistics (0: all do)."""
    if query_statistics == "transductive":
        return backbone.enter(query_x), 0
    if query_statistics != "support":
        raise ConfigError(f"query statistics are one of {', '.join(CHOICES)}, not {query_statistics!r}")
    return torch.cat([backbone.enter(support_x), backbone.enter(query_x)]), len(support_x)


def _onward(
    backbone: Backbone, weights: list[Weights], x: Tensor, leading: int, start: int = 0, end: int | None = None
) -> Tensor:
    """`x` through the layers from `start` to before `end`, normalised by its `leading` rows."""
    for layer, own in zip(backbone.layers[start:end], weights[start:end], strict=True):
        with _normalised_by_first(layer, leading) if leading else nullcontext():
            x = layer.forward(own, x)
    return x


@contextmanager
def _normalised_by_first(layer: Layer, count: int) -> Iterator[None]:
    """Inside, every batch normalisation of `layer` takes its statistics from the first `count` rows of its batch."""
    modules = [each for module in (layer.module, *layer.tail) for each in module.modules()]
    norms = [each for each in modules if isinstance(each, _BatchNorm) and not each.track_running_stats]
    fused = [each for each in modules if isinstance(each, NormPool)]
    try:
        for norm in norms:
            norm.forward = partial(_normalise, norm, count)  # type: ignore[method-assign]
        for each in fused:
            each.first = count
        yield
    finally:
        for norm in norms:
            del norm.forward
        for each in fused:
            del each.first


def _normalise(norm: _BatchNorm, count: int, x: Tensor) -> Tensor:
    unit = normalise_by_first(x, count, norm.eps)
    shape = [-1 if dim == 1 else 1 for dim in range(x.dim())]
    return unit * norm.weight.view(shape) + norm.bias.view(shape) if norm.affine else unit
