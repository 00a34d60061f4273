"""The normalisations inside of modules: whose statistics they take, and which parameters are scales and shifts."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase

from lambda_core.errors import ModelError
from lambda_core.kernels import NormPool, calls_nothing_else, norm_pool_relu, normalise_by_first

NORMALISATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, NormPool)


class LeadingNorm(nn.Module):
    """Batch normalisation of all rows by mean and variance of the first `count`; weights under the same names."""

    def __init__(self, norm: _BatchNorm, count: int) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.eps, self.count = norm.eps, count

    def forward(self, x: Tensor) -> Tensor:
        unit = normalise_by_first(x, self.count, self.eps)
        if self.weight is None:
            return unit
        shape = [-1 if dim == 1 else 1 for dim in range(x.dim())]
        return unit * self.weight.view(shape) + self.bias.view(shape)


class LeadingNormPool(nn.Module):
    """`NormPool` of all rows by the statistics of the first `count`."""

    def __init__(self, norm: NormPool, count: int) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.eps, self.count = norm.eps, count

    def forward(self, x: Tensor) -> Tensor:
        return norm_pool_relu(x, self.weight, self.bias, self.eps, self.count)


def with_leading_statistics(copies: Sequence[nn.Module], count: int) -> tuple[nn.Module, ...]:
    """The modules, which are private copies and may be changed, with their batch normalisations exchanged."""
    return tuple(_exchanged(module, count) for module in copies)


def _exchanged(module: nn.Module, count: int) -> nn.Module:
    if isinstance(module, NormPool):
        return LeadingNormPool(module, count)
    if isinstance(module, _BatchNorm) and not module.track_running_stats:
        if not calls_nothing_else(module):
            raise ModelError("a batch normalisation with hooks cannot take its statistics from the support set")
        return LeadingNorm(module, count)
    for name, child in list(module._modules.items()):
        if child is not None:
            module._modules[name] = _exchanged(child, count)
    return module


def takes_batch_statistics(module: nn.Module) -> bool:
    """Whether a module normalises by its batch: then what it computes for one image depends on the others."""
    if isinstance(module, NormPool):
        return True
    return isinstance(module, _BatchNorm) and (module.training or module.running_mean is None)


def scales_and_shifts(module: nn.Module) -> frozenset[str]:
    """What the digit `n` of a pattern stands for: the names in `module` of the parameters of its normalisations; where
    it has none of those, of its biases.
    """
    own = frozenset(
        f"{place}.{name}" if place else name
        for place, each in module.named_modules()
        if isinstance(each, NORMALISATIONS)
        for name, _ in each.named_parameters(recurse=False)
    )
    return own or frozenset(name for name, _ in module.named_parameters() if name.rpartition(".")[2] == "bias")
