"""Exported graphs beside the definition: what they give must be what plain masked SGD gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lambda_core.adaptation import adapt_by_definition, query_logits
from lambda_core.errors import ModelError
from lambda_core.export.adaptation_graph import SUPPORT_IMAGES, SUPPORT_LABELS
from lambda_core.export.query_graph import LOGITS, QUERY_IMAGES
from lambda_core.export.runtime import Runtime
from lambda_core.export.task import AdaptationTask

TOLERANCE, EPISODES, QUERIES = 1e-4, 3, 6


def check_graphs(task: AdaptationTask, adaptation: Any, queries: Any) -> dict[str, Any]:
    """How far the graphs are from the definition; raises ModelError where that is too far.

    The difference of an episode is the largest over its tensors, relative to their norms. The median over episodes
    counts: where two activations are equal to the last digit, pooling may choose either, and the results part.
    """
    adapting, scoring = Runtime(adaptation), Runtime(queries)
    differences = [_difference(task, adapting, scoring, *episode) for episode in _episodes(task.images, task.ways)]
    typical = float(np.median(differences))
    if not typical <= TOLERANCE:
        raise ModelError(
            f"the exported graph is {typical:.1e} from the definition, more than {TOLERANCE:g}: this model has no "
            "exact ONNX form here"
        )
    return {"by": adapting.name, "episodes": EPISODES, "relative_difference": float(f"{typical:.2g}")}


def _difference(
    task: AdaptationTask, adapting: Runtime, scoring: Runtime, images: Tensor, labels: Tensor, queries: Tensor
) -> float:
    """Of one episode: adapted weights, and logits of the queries under them."""
    names = task.backbone.names
    wanted = {
        name: value.detach()
        for name, value in adapt_by_definition(
            task.backbone.model, images, labels, task.pattern, task.steps, task.lr, layers=names
        ).items()
    }
    found = adapting({SUPPORT_IMAGES: images.numpy(), SUPPORT_LABELS: labels.numpy()})
    own = [
        {name: wanted[f"{layer}.{name}"] for name in weights}
        for layer, weights in zip(names, task.backbone.weights(), strict=True)
    ]
    logits = query_logits(task.backbone, own, images, queries, task.statistics).detach()
    given = {name: wanted[name].contiguous().numpy() for name in found} | {QUERY_IMAGES: queries.numpy()}
    if task.statistics == "support":
        given[SUPPORT_IMAGES] = images.numpy()
    pairs = [(value, wanted[name]) for name, value in found.items()] + [(scoring(given)[LOGITS], logits)]
    return max(float(np.linalg.norm(a - b.numpy()) / max(float(b.norm()), 1e-12)) for a, b in pairs)


def _episodes(shape: Sequence[int], ways: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    random = torch.Generator().manual_seed(0)
    for _ in range(EPISODES):
        images, queries = (torch.randn(n, *shape[1:], generator=random) for n in (shape[0], QUERIES))
        yield images, torch.arange(shape[0]) % ways, queries
