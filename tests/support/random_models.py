"""Models as people write them, drawn by a seed: reuse, nesting, own forwards, in-place, hooks, frozen and unused
parameters, randomness, training and evaluation mode.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

CHANNELS, SIZE, WAYS = 2, 8, 3


class Residual(nn.Sequential):
    """Adds what comes in to what its children make of it."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Named(nn.Sequential):
    """A subclass that changes nothing."""


class InPlace(nn.Module):
    """Writes into its input, with no attribute that says so."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(0.9)


class FunctionalDropout(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, 0.3, self.training)


class NumpyNoise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + float(np.random.standard_normal()) if self.training else x


class Counter(nn.Module):
    """Keeps a state of its own in Python."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * self.calls


class HalfUsed(nn.Module):
    """Owns a parameter that its output does not depend on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale, self.idle = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.view(1, -1, 1, 1)


class OwnNames(nn.Module):
    """Saves its parameter under another name."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.view(1, -1, 1, 1)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        destination[f"{prefix}gain"] = self.scale if keep_vars else self.scale.detach()

    def _load_from_state_dict(self, state_dict, prefix, *_):
        with torch.no_grad():
            self.scale.copy_(state_dict[f"{prefix}gain"])


class Draw:
    """Choices of one model."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.RandomState(seed)
        self.shared = nn.Tanh()
        torch.manual_seed(seed)

    def one_of(self, *choices):
        return choices[self.random.randint(len(choices))]

    def chance(self, share: float) -> bool:
        return bool(self.random.random_sample() < share)

    def model(self) -> nn.Sequential:
        model = nn.Sequential()
        channels = CHANNELS
        if self.chance(0.3):
            model.append(self.activation())
        for _ in range(self.random.randint(1, 4)):
            block, channels = self.block(channels)
            model.append(block)
            if self.chance(0.4):
                model.append(self.activation())
        model.append(nn.AdaptiveAvgPool2d(2))
        model.append(nn.Flatten())
        if self.chance(0.3):
            model.append(nn.Linear(4 * channels, 4 * channels))
            model.append(self.activation())
        model.append(nn.Linear(4 * channels, WAYS, bias=self.chance(0.8)))
        return self.spoiled(model)

    def activation(self) -> nn.Module:
        return self.one_of(
            lambda: self.shared, nn.ReLU, lambda: nn.ReLU(inplace=True), lambda: nn.LeakyReLU(0.2, inplace=True),
            nn.GELU, nn.Identity, lambda: nn.Sequential(self.shared, nn.ReLU()), nn.SiLU,
        )()  # fmt: skip

    def norm(self, channels: int) -> nn.Module:
        return self.one_of(
            lambda: nn.BatchNorm2d(channels, track_running_stats=False),
            lambda: nn.BatchNorm2d(channels, track_running_stats=False),
            lambda: nn.BatchNorm2d(channels),
            lambda: nn.GroupNorm(1, channels),
            lambda: nn.InstanceNorm2d(channels, affine=True),
            lambda: HalfUsed(channels),
            lambda: OwnNames(channels),
        )()

    def block(self, channels: int) -> tuple[nn.Module, int]:
        out = self.one_of(2, 3)
        conv = nn.Conv2d(
            channels, out, 3, padding=self.one_of(0, 1), bias=self.chance(0.5), stride=self.one_of(1, 1, 2)
        )
        parts: list[nn.Module] = [conv, *([self.norm(out)] if self.chance(0.7) else []), self.activation()]
        if self.chance(0.15):
            parts.insert(0, self.one_of(nn.ReLU(inplace=True), InPlace(), self.shared))
        if self.chance(0.1):
            parts.append(Residual(nn.Conv2d(out, out, 3, padding=1), nn.Tanh()))
        if self.chance(0.12):
            parts.append(self.one_of(nn.Dropout(0.3), FunctionalDropout(), nn.RReLU(), NumpyNoise(), Counter()))
        kind = self.one_of("plain", "plain", "plain", "named", "flat")
        if kind == "flat":
            return conv, out
        return (Named if kind == "named" else nn.Sequential)(*parts), out

    def spoiled(self, model: nn.Sequential) -> nn.Sequential:
        """The model with what people do to their models."""
        modules = [each for each in model.modules() if each is not model]
        convs = [each for each in modules if isinstance(each, nn.Conv2d)]
        if self.chance(0.25):
            for parameter in model.parameters():
                parameter.requires_grad_(not self.chance(0.3))
        if self.chance(0.15):
            self.hooked(self.one_of(*modules))
        if self.chance(0.06):
            self.one_of(*convs).forward = lambda x: torch.zeros(len(x), 2, 4, 4, dtype=x.dtype) + x.mean()
        if self.chance(0.08):
            self.one_of(parametrizations.spectral_norm, parametrizations.weight_norm, self.pruned)(self.one_of(*convs))
        if self.chance(0.05):
            self.hooked(model)
        return model.train(self.chance(0.5))

    @staticmethod
    def pruned(module: nn.Module) -> None:
        prune.l1_unstructured(module, "weight", 0.3)

    def hooked(self, module: nn.Module) -> None:
        forward: Callable = lambda _, __, output: output * 1.1  # noqa: E731
        before: Callable = lambda _, inputs: (inputs[0] * 0.9,)  # noqa: E731
        backward: Callable = lambda _, to_input, __: tuple(g if g is None else g * 0.5 for g in to_input)  # noqa: E731
        self.one_of(
            lambda: module.register_forward_hook(forward),
            lambda: module.register_forward_pre_hook(before),
            lambda: module.register_full_backward_hook(backward),
        )()


def random_model(seed: int) -> nn.Sequential:
    """The model of a seed, in float64; for images (N, 2, 8, 8) and 3 classes. It can be called."""
    for attempt in range(100):
        draw = Draw(seed + 100_000 * attempt)
        model = draw.model().double()
        try:
            probe = copy.deepcopy(model)
        except RuntimeError:  # a pruned weight that no copy can be made of: still a model that people hand in
            return model
        try:
            with torch.no_grad():
                probe(torch.zeros(6, CHANNELS, SIZE, SIZE, dtype=torch.float64))
        except (RuntimeError, ValueError, TypeError):
            continue
        return model
    raise AssertionError("no model can be called")
