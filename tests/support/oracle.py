"""The plainest possible definition of everything clever: what the engine is held against."""

from __future__ import annotations

from collections import Counter, OrderedDict

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from lambda_core.compiled import steps
from lambda_core.compiled.residual import steps as residual_steps
from lambda_core.kernels.norm_pool import NormPool


def plain_conv4(ways: int, filters: int, channels: int, size: int) -> nn.Sequential:
    """4-CONV from the library's own modules, in the textbook order: convolution, norm, ReLU, pooling."""
    blocks = [
        nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(channels if i == 0 else filters, filters, 3, padding=1, bias=False),
                norm=nn.BatchNorm2d(filters, track_running_stats=False),
                relu=nn.ReLU(),
                pool=nn.MaxPool2d(2),
            )
        )
        for i in range(4)
    ]
    named = [(f"conv{i + 1}", block) for i, block in enumerate(blocks)]
    features = filters * (size // 16) ** 2
    return nn.Sequential(OrderedDict([*named, ("flatten", nn.Flatten()), ("head", nn.Linear(features, ways))]))


class Calls:
    """Counts what really runs: kernels by name, and multiply-adds by the library's own formulas; of compiled steps
    those of their matrix products, by the shapes that they are called with.
    """

    def __enter__(self) -> Calls:
        self._compiled = _CompiledProducts()
        self._compiled.__enter__()
        self._flops, self._names = FlopCounterMode(display=False), _Names()
        self._flops.__enter__()
        self._names.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._names.__exit__(*error)
        self._flops.__exit__(*error)
        self._compiled.__exit__(*error)

    @property
    def kernels(self) -> Counter:
        return self._names.counts

    @property
    def multiply_adds(self) -> int:
        return self._flops.get_total_flops() // 2 + self._compiled.multiply_adds


class _CompiledProducts:
    def __init__(self) -> None:
        self.multiply_adds, self._patch = 0, pytest.MonkeyPatch()

    def __enter__(self) -> None:
        for name in ("forward", "backward", "head_steps", "head_gradients", "to_logits"):
            self._patch.setattr(steps, name, self._counted(getattr(steps, name), getattr(self, f"_of_{name}")))
        for name in ("forward", "backward"):
            counted = self._counted(getattr(residual_steps, name), getattr(self, f"_of_residual_{name}"))
            self._patch.setattr(residual_steps, name, counted)

    def __exit__(self, *error: object) -> None:
        self._patch.undo()

    def _counted(self, run, products):
        def counted(*arguments):
            self.multiply_adds += products(*arguments)
            return run(*arguments)

        return counted

    def _of_forward(self, x, filters, scale, shift, eps, h, w, c, *_):
        assert filters.shape[0] == 9 * c
        return len(x) * h * w * 9 * c * len(scale)

    def _of_backward(self, gradient, x, filters, scale, h, w, c, *rest):
        to_filters, to_x = rest[-8], rest[-3]
        return len(x) * h * w * 9 * c * len(scale) * (bool(len(to_filters)) + bool(len(to_x)))

    def _of_residual_forward(self, x, filters, scale, shift, eps, slope, h, w, c, *_):
        assert len(filters) in (c, 9 * c)
        return len(x) * h * w * len(filters) * len(scale)

    def _of_residual_backward(self, gradient, x, filters, scale, h, w, c, product, moments, to_filters, *rest):
        return len(x) * h * w * len(filters) * len(scale) * (bool(len(to_filters)) + bool(len(rest[-1])))

    def _of_to_logits(self, x, weight, bias, logits):
        return len(x) * weight.size

    def _of_head_steps(self, x, labels, weight, bias, lr, losses):
        return 2 * len(losses) * len(x) * weight.size

    def _of_head_gradients(self, x, labels, weight, bias, to_weight, to_bias, to_x):
        return len(x) * weight.size * (1 + bool(len(to_weight)) + bool(len(to_x)))


class _Names(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


class PlainNorm(nn.Module):
    """Batch normalisation by the mean and variance of the first `count` rows (all: None), step by step."""

    def __init__(self, weight: nn.Parameter | None, bias: nn.Parameter | None, eps: float, pools: bool) -> None:
        super().__init__()
        self.weight, self.bias, self.eps, self.pools, self.count = weight, bias, eps, pools, None

    def forward(self, x: Tensor) -> Tensor:
        dims, shape = [dim for dim in range(x.dim()) if dim != 1], [1, -1, *[1] * (x.dim() - 2)]
        first = x if self.count is None else x[: self.count]
        mean = first.mean(dims, keepdim=True)
        variance = (first - mean).square().mean(dims, keepdim=True)
        y = (x - mean) / (variance + self.eps).sqrt()
        if self.weight is not None:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return F.max_pool2d(F.relu(y), 2) if self.pools else y


def plain_norms(model: nn.Module) -> nn.Module:
    """The model, changed in place: its normalisations by batch statistics are `PlainNorm`s of the same parameters."""
    for name, child in list(model.named_children()):
        batch = isinstance(child, nn.modules.batchnorm._BatchNorm) and not child.track_running_stats
        if batch or isinstance(child, NormPool):
            setattr(model, name, PlainNorm(child.weight, child.bias, child.eps, isinstance(child, NormPool)))
        else:
            plain_norms(child)
    return model


def plain_queries(
    model: nn.Sequential, weights: dict[str, Tensor], support: Tensor, query: Tensor, statistics: str
) -> Tensor:
    """Logits of the queries; `model` went through `plain_norms`."""
    norms = [module for module in model.modules() if isinstance(module, PlainNorm)]
    if statistics == "transductive":
        return functional_call(model, weights, (query,))
    for norm in norms:
        norm.count = len(support)
    both = functional_call(model, weights, (torch.cat([support, query]),))
    for norm in norms:
        norm.count = None
    return both[len(support) :]
