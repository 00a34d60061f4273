"""Query predictions under either choice of statistics: the queries' own (transductive), or the support set's.

Transductive is what the few-shot literature reports with MAML. Support statistics let queries come one at a time: every
normalisation uses mean and variance of the support set under the same (adapted) weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from lambda_core.chain import Weights
from lambda_core.errors import ConfigError
from lambda_core.kernels import NormPool, normalise_by_first
from lambda_core.model import Backbone, Layer

CHOICES = ("transductive", "support")


def predict(
    backbone: Backbone, weights: list[Weights], support_x: Tensor, query_x: Tensor, query_statistics: str
) -> Tensor:
    """Logits of the queries, (Q, ways)."""
    if query_statistics == "transductive":
        return backbone.forward(weights, backbone.enter(query_x))
    if query_statistics != "support":
        raise ConfigError(f"query statistics are one of {', '.join(CHOICES)}, not {query_statistics!r}")
    both = torch.cat([backbone.enter(support_x), backbone.enter(query_x)])
    for layer, own in zip(backbone.layers, weights, strict=True):
        with _normalised_by_first(layer, len(support_x)):
            both = layer.forward(own, both)
    return both[len(support_x) :]


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
