"""Episodes: seeded few-shot tasks, the same ones for every pattern, on every machine and in every process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lambda_core.data import Pictures


@dataclass(frozen=True)
class Episode:
    """One few-shot task.

    support_x: (N·K, C, H, W) float32 in [-1, 1], class after class; support_y: (N·K,) int64; query_x, query_y alike
    with N·Q. For the sinusoid x and y are (K, 1) and (Q, 1) float32.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor
    class_names: tuple[str, ...] = ()

    def to(self, device: str | torch.device | None = None, dtype: torch.dtype | None = None) -> Episode:
        """The same episode elsewhere, or with images of another float type."""
        return replace(
            self,
            support_x=self.support_x.to(device=device, dtype=dtype),
            query_x=self.query_x.to(device=device, dtype=dtype),
            support_y=self.support_y.to(device=device),
            query_y=self.query_y.to(device=device),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process as arrays: torch would keep a file open for every tensor that crosses over."""
        tensors = (self.support_x, self.support_y, self.query_x, self.query_y)
        return partial(_arrived, class_names=self.class_names), tuple(map(_plain, tensors))

    @classmethod
    def of(cls, pictures: Pictures) -> Episode:
        """The episode of these pictures."""
        support_y, query_y = (torch.from_numpy(each) for each in (pictures.support_labels, pictures.query_labels))
        return cls(as_inputs(pictures.support), support_y, as_inputs(pictures.query), query_y, pictures.class_names)

    @property
    def pictures(self) -> Pictures:
        """Its images for the eye, and what makes the same episode again."""
        labels = self.support_y.numpy(), self.query_y.numpy()
        return Pictures(self.support_images, labels[0], self.query_images, labels[1], self.class_names)

    @property
    def support_images(self) -> NDArray[np.uint8]:
        """(N·K, H, W, C) uint8, for the eye."""
        return as_images(self.support_x)

    @property
    def query_images(self) -> NDArray[np.uint8]:
        """(N·Q, H, W, C) uint8, for the eye."""
        return as_images(self.query_x)


def stacked(episodes: Sequence[Episode]) -> Episode:
    """Several episodes of the same shapes as one, with a leading dimension: (E, N·K, …), (E, N·Q, …)."""
    return Episode(
        torch.stack([each.support_x for each in episodes]),
        torch.stack([each.support_y for each in episodes]),
        torch.stack([each.query_x for each in episodes]),
        torch.stack([each.query_y for each in episodes]),
    )


def _plain(x: Tensor) -> NDArray[Any]:
    return (x.permute(0, 2, 3, 1) if x.dim() == 4 else x).contiguous().numpy()


def _arrived(*arrays: NDArray[Any], class_names: tuple[str, ...]) -> Episode:
    """What `__reduce__` sent, in the memory layout that it had."""
    sent = [torch.from_numpy(array) for array in arrays]
    support_x, support_y, query_x, query_y = (x.permute(0, 3, 1, 2) if x.dim() == 4 else x for x in sent)
    return Episode(support_x, support_y, query_x, query_y, class_names)


class Bank(Protocol):
    """What a meta-training or a sweep draws from: bank[i] is always the same episode."""

    def __getitem__(self, index: int) -> Episode: ...


def as_inputs(images: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, C) uint8 → (N, C, H, W) float32 in [-1, 1], channels last in memory (the fast layout on a CPU)."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1.0


def as_images(inputs: Tensor) -> NDArray[np.uint8]:
    """The inverse of `as_inputs`."""
    pixels = ((inputs.detach() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
