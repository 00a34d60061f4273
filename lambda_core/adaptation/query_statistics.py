"""Query predictions under each choice of statistics: the queries' own (transductive), the support set's, or stored.

Transductive is what the few-shot literature reports with MAML. Support statistics let queries come one at a time: every
normalisation uses mean and variance of the support set under the same (adapted) weights. Stored ones are the running
statistics of a network in evaluation mode, the same in support and query passes: a pretrained network's own.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lambda_core.backbones import Backbone, takes_batch_statistics
from lambda_core.config import QUERY_STATISTICS
from lambda_core.episodes import Episode
from lambda_core.errors import ConfigError
from lambda_core.kernels import Weights


def query_logits(
    backbone: Backbone, weights: list[Weights], support_x: Tensor, query_x: Tensor, query_statistics: str
) -> Tensor:
    """Logits of the queries, (Q, ways), under `weights`; differentiable.

    support_x: (N·K, …), query_x: (Q, …) float. query_statistics: transductive, support or stored.
    """
    batch, leading = _batch(backbone, support_x, query_x, query_statistics)
    return _queries(backbone, _through_layers(backbone, weights, batch, leading), leading)


class QueryScorer:
    """One episode's queries under many weights that are all adapted from `start`; those of many, (E, Q, …), under a
    batched backbone.
    """

    def __init__(self, backbone: Backbone, start: list[Weights], episode: Episode, query_statistics: str) -> None:
        self.backbone, self.start = backbone, start
        batch, self._leading = _batch(backbone, episode.support_x, episode.query_x, query_statistics)
        self._inputs = [batch]
        self._first_layers: dict[int, Callable[[Weights], Tensor]] = {}

    def logits(self, weights: list[Weights], lowest: int) -> Tensor:
        """(Q, ways), without gradients. The layers below `lowest` are those of the start: what the queries are there is
        computed once.
        """
        with torch.inference_mode():
            x = self._input_of(lowest)
            if self._leading:
                output = _through_layers(self.backbone, weights, x, self._leading, lowest)
                return _queries(self.backbone, output, self._leading)
            if lowest not in self._first_layers:
                self._first_layers[lowest] = self.backbone.layers[lowest].for_constant_input(x)
            return self.backbone.forward(weights, self._first_layers[lowest](weights[lowest]), lowest + 1)

    def _input_of(self, layer: int) -> Tensor:
        while len(self._inputs) <= layer:
            below = len(self._inputs) - 1
            x = _through_layers(self.backbone, self.start, self._inputs[below], self._leading, below, below + 1)
            self._inputs.append(x)
        return self._inputs[layer]


def _batch(backbone: Backbone, support_x: Tensor, query_x: Tensor, query_statistics: str) -> tuple[Tensor, int]:
    """What is to pass through the network, and how many leading rows of it give the statistics (0: all do)."""
    if query_statistics == "stored" and any(map(takes_batch_statistics, backbone.modules)):
        raise ConfigError("this network stores no statistics: query statistics are transductive or support")
    if query_statistics in ("transductive", "stored"):
        return backbone.prepare_input(query_x), 0
    if query_statistics != "support":
        raise ConfigError(f"query statistics are one of {', '.join(QUERY_STATISTICS)}, not {query_statistics!r}")
    both = [backbone.prepare_input(support_x), backbone.prepare_input(query_x)]
    return torch.cat(both, backbone.batch_dim), support_x.shape[backbone.batch_dim]


def _queries(backbone: Backbone, output: Tensor, leading: int) -> Tensor:
    """What follows the leading rows."""
    dim = backbone.batch_dim
    return output.narrow(dim, leading, output.shape[dim] - leading)


def _through_layers(
    backbone: Backbone, weights: list[Weights], x: Tensor, leading: int, start: int = 0, end: int | None = None
) -> Tensor:
    """`x` through the layers from `start` to before `end`, normalised by its `leading` rows."""
    for layer, own in zip(backbone.layers[start:end], weights[start:end], strict=True):
        x = layer.forward(own, x, leading or None)
    return x
