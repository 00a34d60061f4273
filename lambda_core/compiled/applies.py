"""When the compiled loop applies: which model, support set, loss and machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from lambda_core.backbones import Backbone
from lambda_core.compiled.loop import CompiledLoop
from lambda_core.compiled.network import ConvNetwork, Network
from lambda_core.compiled.residual import ResidualNetwork
from lambda_core.kernels import Weights

TYPES = (torch.float32, torch.float64)
KINDS = (Tensor, torch.nn.Parameter)


def compiled_loop(
    backbone: Backbone,
    weights: list[Weights],
    support_x: Tensor,
    support_y: Tensor,
    lr: float | Sequence[float],
    loss: Any,
    lowest: int = 0,
) -> CompiledLoop | None:
    """The loop where it applies; None for other networks, losses, labels, types and devices, and without numba.

    Arguments: those of `CompiledLoop`, and the loss that was asked for.
    """
    if loss is not F.cross_entropy or support_x.dim() != 4 or support_x.dtype not in TYPES:
        return None
    if torch.is_autocast_enabled("cpu") or not _plain([support_x], support_x.dtype):
        return None
    network = network_of(backbone, weights, support_x)
    if network is None or not _are_classes(support_y, len(support_x), network.ways):
        return None
    if not all(_plain(own.values(), support_x.dtype) for own in weights):
        return None
    step_sizes = lr if isinstance(lr, Sequence) else [lr] * len(weights)
    return CompiledLoop(network, weights, support_x, support_y, step_sizes, lowest)


def network_of(backbone: Backbone, weights: list[Weights], x: Tensor) -> Network | None:
    """The network that the backbone is for images of x's shape: looked at once."""
    key = ("compiled", x.shape[1:])
    if key not in backbone.remembered:
        whole = all(set(own) == layer.trainable for layer, own in zip(backbone.layers, weights, strict=True))
        served = whole and not backbone.stem and available()
        backbone.remembered[key] = _network(backbone, weights, x.shape) if served else None
    return cast("Network | None", backbone.remembered[key])


def _network(backbone: Backbone, weights: list[Weights], shape: Sequence[int]) -> Network | None:
    passes = [layer.passes for layer in backbone.layers]
    return ConvNetwork.of(passes, weights, shape) or ResidualNetwork.of(backbone.layers, weights, shape)


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether compiled code runs here."""
    try:
        import lambda_core.compiled.steps  # noqa: F401
    except ImportError:
        return False
    return True


def instructions() -> str:
    """What the kernels are compiled for here: the width of their registers, and numba's name for the processor."""
    from lambda_core.compiled.llvm import PROCESSOR, WIDE

    return f"{'AVX-512' if WIDE else 'AVX2'} ({PROCESSOR})"


def _plain(tensors: Any, dtype: torch.dtype) -> bool:
    """Whether they are ordinary tensors of `dtype` in the processor's memory."""
    return all(type(each) in KINDS and each.dtype is dtype and each.is_cpu for each in tensors)


def _are_classes(labels: Tensor, count: int, ways: int) -> bool:
    if type(labels) is not Tensor or labels.dtype != torch.int64 or labels.shape != (count,) or not labels.is_cpu:
        return False
    values = labels.tolist()
    return count > 0 and min(values) >= 0 and max(values) < ways
