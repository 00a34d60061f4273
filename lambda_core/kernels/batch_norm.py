"""Batch normalisation in ordinary operations, for where the library's own cannot go: under vmap on a GPU.

There torch's own asks for the memory layout of what it is given, and a mapped tensor has none to tell
(RuntimeError "querying is_contiguous inside of vmap").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class BatchNormByParts(TorchFunctionMode):
    """While it is entered, `F.batch_norm`, whoever calls it, runs as `batch_norm_by_parts`."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return (batch_norm_by_parts if func is F.batch_norm else func)(*args, **(kwargs or {}))


def batch_norm_by_parts(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,  # noqa: ARG001
    eps: float = 1e-5,
) -> Tensor:
    """`F.batch_norm` of (N, C, …) with statistics of the batch or, not training, with running ones; these stay."""
    shape = [1, -1] + [1] * (input.dim() - 2)
    if training or running_mean is None or running_var is None:
        var, mean = torch.var_mean(input, [0, *range(2, input.dim())], correction=0, keepdim=True)
    else:
        var, mean = running_var.view(shape), running_mean.view(shape)
    unit = (input - mean) * torch.rsqrt(var + eps)
    scaled = unit if weight is None else unit * weight.view(shape)
    return scaled if bias is None else scaled + bias.view(shape)
