"""What a new training may start from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lambda_core.config import RECIPES


@dataclass(frozen=True)
class Preset:
    """title: what it makes. changes: settings that differ from the recipe of its data set."""

    title: str
    dataset: str
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Any]:
        """The settings that its form starts from."""
        return RECIPES.get(self.dataset, {}) | self.changes


PRESETS = {  # by name in the address
    "glyphs-quick": Preset(
        "Glyphs in about two minutes",
        "glyphs",
        {"iterations": 400, "order": "first", "meta_batch": 4, "validate_every": 50, "validation_episodes": 40},
    ),
    "glyphs": Preset("Glyphs, to convergence", "glyphs"),
    "sinusoid": Preset("Sine curves", "sinusoid"),
    "cifar-fs-5w1s": Preset("CIFAR-FS, 5-way 1-shot", "cifar-fs"),
}
