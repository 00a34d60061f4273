"""What is to be exported: a network, and the steps that its layers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from lambda_core.backbones import Backbone
from lambda_core.errors import ConfigError, ModelError
from lambda_core.export.network import Network
from lambda_core.patterns import LambdaPattern, Row, Update


@dataclass(frozen=True)
class AdaptationTask:
    """images: (N·K, C, H, W) of the support set; lr: a step size a layer; statistics: those of the queries."""

    network: Network
    images: tuple[int, int, int, int]
    pattern: LambdaPattern
    steps: int
    lr: tuple[float, ...]
    statistics: str

    @classmethod
    def of(
        cls,
        model: nn.Sequential | Backbone,
        images: Sequence[int],
        pattern: LambdaPattern,
        steps: int,
        lr: float | Sequence[float],
        statistics: str,
    ) -> AdaptationTask:
        """Raises PatternError, ModelError or ConfigError for what cannot be exported."""
        backbone = Backbone.matching(model, pattern)
        if len(images) != 4 or min(images) < 1:
            raise ConfigError(f"the shape of the support images must be (N·K, C, H, W), not {tuple(images)}")
        if statistics not in ("transductive", "support"):
            raise ConfigError(f"query statistics are transductive or support, not {statistics!r}")
        n, channels, height, width = images
        sizes = _step_sizes(lr, backbone.names)
        task = cls(Network.of(backbone), (n, channels, height, width), pattern, steps, sizes, statistics)
        if not task.changed:
            raise ConfigError(f"pattern {pattern} with {steps} steps updates nothing: there is no adaptation to export")
        return task

    @property
    def backbone(self) -> Backbone:
        return self.network.backbone

    @property
    def ways(self) -> int:
        return self.network.head.ways

    @property
    def rows(self) -> list[Row]:
        """What each step updates."""
        return self.pattern.rows_for(self.steps)

    @property
    def changed(self) -> dict[int, frozenset[str]]:
        """Layer → names of the weights that any step changes; of the layers that any step updates, ascending."""
        return self.backbone.changed_by(tuple(map(Update.widest, zip(*self.rows, strict=True))))

    @property
    def facts(self) -> dict[str, str]:
        """What is kept inside of the graphs."""
        sizes = ", ".join(f"{each:g}" for each in self.lr)
        return {"pattern": str(self.pattern), "steps": str(self.steps), "step_sizes": sizes}


def _step_sizes(lr: float | Sequence[float], names: Sequence[str]) -> tuple[float, ...]:
    sizes = tuple(map(float, lr)) if isinstance(lr, Sequence) else (float(lr),) * len(names)
    if len(sizes) != len(names):
        raise ModelError(f"{len(sizes)} step sizes for the {len(names)} layers {', '.join(names)}")
    return sizes
