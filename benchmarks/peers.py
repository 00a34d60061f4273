"""What people use to adapt a model: each peer as a function (model, x, y, steps, lr) → adapted parameters by name."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Parameters = dict[str, Tensor]
Peer = Callable[[nn.Module, Tensor, Tensor, int, float], Parameters]


def copy_and_sgd(model: nn.Module, x: Tensor, y: Tensor, steps: int, lr: float) -> Parameters:
    """A deep copy and torch.optim.SGD."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return dict(model.named_parameters())


def with_higher(model: nn.Module, x: Tensor, y: Tensor, steps: int, lr: float) -> Parameters:
    """higher's inner loop context, without higher-order gradients."""
    import higher

    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    with higher.innerloop_ctx(model, optimizer, track_higher_grads=False) as (functional, inner):
        for _ in range(steps):
            inner.step(F.cross_entropy(functional(x), y))
        names = [name for name, _ in model.named_parameters()]
        return dict(zip(names, functional.parameters(), strict=True))


def with_torchopt(model: nn.Module, x: Tensor, y: Tensor, steps: int, lr: float) -> Parameters:
    """TorchOpt's differentiable SGD on a copy; it always builds the second-order graph."""
    import torchopt

    model = copy.deepcopy(model)
    optimizer = torchopt.MetaSGD(model, lr=lr)
    for _ in range(steps):
        optimizer.step(F.cross_entropy(model(x), y))
    return dict(model.named_parameters())


def available() -> dict[str, Peer]:
    """The peers that are installed: `pip install -r benchmarks/requirements.txt` gets the others."""
    found: dict[str, Peer] = {"copy + SGD": copy_and_sgd}
    for name, module, peer in [("higher", "higher", with_higher), ("torchopt", "torchopt", with_torchopt)]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                __import__(module)
        except ImportError:
            continue
        found[name] = peer
    return found
