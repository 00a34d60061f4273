"""Parts that networks are made of and that torch has no module for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_core.errors import ModelError


class ResidualBlock(nn.Module):
    """Three 3×3 convolutions beside a 1×1 one, added, LeakyReLU, 2×2 max-pooling; (N, C, H, W) → (N, F, H/2, W/2)."""

    SLOPE = 0.1  # of all its LeakyReLUs

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i in range(3):
            parts += [nn.Conv2d(channels if i == 0 else filters, filters, 3, padding=1, bias=False), _norm(filters)]
            parts += [nn.LeakyReLU(self.SLOPE)] if i < 2 else []
        self.body = nn.Sequential(*parts)
        self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, bias=False), _norm(filters))

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.leaky_relu(self.body(x) + self.shortcut(x), self.SLOPE), 2)


class Residual(nn.Module):
    """body(x) + shortcut(x), of one shape; without a shortcut body(x) + x."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Tensor) -> Tensor:
        body: Tensor = self.body(x)
        return body + (x if self.shortcut is None else self.shortcut(x))


class Normalise(nn.Module):
    """Images (N, C, H, W) in [-1, 1], as episodes hold them, in the units that a network was trained in.

    mean, std: of each channel, of images in [0, 1]; torchvision's for ImageNet are `IMAGENET`. It owns no parameters
    and no buffers: it belongs to the network, not to what is learned.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std) or not mean or min(std) <= 0:
            raise ModelError(f"a mean and a positive standard deviation a channel are needed, not {mean} and {std}")
        self.mean, self.std = tuple(map(float, mean)), tuple(map(float, std))

    def forward(self, x: Tensor) -> Tensor:
        mean, std = (
            torch.tensor(each, dtype=x.dtype, device=x.device).view(-1, 1, 1) for each in (self.mean, self.std)
        )
        return ((x + 1) / 2 - mean) / std


IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, track_running_stats=False)
