"""A realistic synthetic study on disk, for tests: 4-CONV, 31 patterns and no adaptation, steps 0 … max_steps.

Nothing is trained: accuracies are drawn around a known truth, so that tests know what must be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save_file

from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.studies import SCHEMA, StudyMetadata
from lambda_core.studies import writing as disk
from lambda_core.studies.tables import write_table

LAYERS = ("conv1", "conv2", "conv3", "conv4", "head")
LAYER_COSTS = [4_423_680, 11_796_480, 2_949_120, 737_280, 3_200]  # 5 images of 32×32, 32 filters
MILLISECONDS = [3.0, 2.2, 0.7, 0.3, 0.12]  # of one forward pass of a layer, one thread
REFERENCE_STEPS = 5


@dataclass(frozen=True)
class Truth:
    """The mean accuracy (0 to 1) that a pattern is drawn around: chance, then rising with steps to a plateau."""

    full: float = 0.55
    loss: tuple[float, ...] = (0.001, 0.001, 0.002, 0.003, 0.0)  # of freezing each layer; the head is special
    without_head: float = 0.33

    def accuracy(self, pattern: str, steps: int, ways: int = 5) -> float:
        chance = 1 / ways
        if steps == 0:
            return chance
        frozen = sum(loss for loss, cell in zip(self.loss, pattern, strict=True) if cell == "0")
        plateau = self.full - frozen if pattern[-1] == "1" else self.without_head - frozen
        return chance + (plateau - chance) * (1 - 0.18 * 0.45 ** (steps - 1))


def write_study(
    root: Path,
    name: str = "synthetic-5w1s",
    *,
    episodes: int = 100,
    max_steps: int = 10,
    repeats: int = 9,
    seed: int = 0,
    truth: Truth | None = None,
    measured: bool = True,
    lr_scales: tuple[float, ...] = (1.0,),
    **config: Any,
) -> Path:
    """Write the study `root/name` and return its folder. measured=False: trained, but neither swept nor timed.

    config: settings of MetaTrainConfig that differ from a CIFAR-FS 5-way 1-shot study with 5 steps.
    """
    folder = root / name
    settings = MetaTrainConfig.from_dict(
        {"dataset": "cifar-fs", "steps": REFERENCE_STEPS, "iterations": 6000, **config}
    )
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    metadata = StudyMetadata.from_dict(about(name, settings, episodes, max_steps, repeats, measured))
    disk.write_metadata(folder, metadata)
    save_file(weights(settings, rng), folder / "weights.safetensors")
    write_table(folder, "training", training_table(settings, rng))
    if measured:
        candidates = enumerate_candidates(max_steps)
        write_table(
            folder, "accuracy", accuracy_table(candidates, episodes, settings, truth or Truth(), lr_scales, rng)
        )
        write_table(folder, "timing", timing_table(candidates, repeats, rng))
    return folder


def about(
    name: str, config: MetaTrainConfig, episodes: int, max_steps: int, repeats: int, measured: bool
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": name,
        "config": config.to_dict(),
        "sweep": SweepConfig(episodes=episodes, max_steps=max_steps).to_dict() if measured else None,
        "timing": TimingConfig(repeats=repeats).to_dict() if measured else None,
        "dataset": {"name": config.dataset, "fingerprint": "synthetic", "source": "drawn by tests/synthetic.py"},
        "input": {"size": 32, "channels": 3},
        "layers": list(LAYERS),
        "layer_multiply_adds": LAYER_COSTS,
        "environment": {
            "torch": "2.14.1",
            "device": "cpu",
            "processor": "a synthetic processor",
            "threads": 1,
            "python": "3.11.7",
            "platform": "Linux",
        },
        "commands": [f"lambda-core train {name}", f"lambda-core sweep {name}", f"lambda-core time {name}"],
        "created": "2026-11-23T10:00:00+00:00",
        "iterations_done": config.iterations,
    }


def enumerate_candidates(max_steps: int) -> list[tuple[str, int]]:
    """(pattern, steps): no adaptation once, then the 31 per-layer patterns at 1 … max_steps."""
    patterns = [str(pattern) for pattern in LambdaPattern.enumerate(len(LAYERS))[1:]]
    return [("00000", 0)] + [(pattern, steps) for pattern in patterns for steps in range(1, max_steps + 1)]


def accuracy_table(
    candidates: list[tuple[str, int]],
    episodes: int,
    config: MetaTrainConfig,
    truth: Truth,
    lr_scales: tuple[float, ...],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Episodes differ by 9 points, a pattern's own deviation in one by 3; accuracies are shares of the queries."""
    parts = []
    for split in ("val", "test"):
        hardness = rng.normal(0, 0.09, episodes)
        for scale in lr_scales:
            for pattern, steps in candidates:
                if steps or scale == 1:
                    drawn = _draw(truth.accuracy(pattern, steps, config.ways), hardness, steps > 0, config, rng)
                    parts.append(_rows(split, pattern, steps, config.lr * scale, drawn))
    return pd.concat(parts, ignore_index=True)


def timing_table(candidates: list[tuple[str, int]], repeats: int, rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (pattern, steps, repeat, "cpu", 1, cost(pattern, steps, MILLISECONDS) * rng.lognormal(0.02, 0.03),
         round(cost(pattern, steps, LAYER_COSTS)))
        for repeat in range(repeats)
        for pattern, steps in candidates
    ]  # fmt: skip
    names = ["pattern", "steps", "repeat", "device", "threads", "milliseconds", "multiply_adds"]
    frame = pd.DataFrame(rows, columns=names)
    updated = frame["pattern"].str.count("1")
    return frame.assign(weight_bytes=400_000, kept_bytes=1_000_000 * updated, workspace_bytes=50_000)


def cost(pattern: str, steps: int, layers: list[float] | list[int]) -> float:
    """The least work: one whole forward pass, later ones from the lowest updated layer; backward of what is above."""
    if steps == 0:
        return 0.0
    lowest = pattern.index("1")
    again = sum(layers[lowest:])
    backward = again + sum(c for c, cell in zip(layers, pattern, strict=True) if cell == "1")
    return sum(layers) + (steps - 1) * again + steps * backward


def training_table(config: MetaTrainConfig, rng: np.random.Generator) -> pd.DataFrame:
    iteration = np.arange(50, config.iterations + 1, 50)
    rising = 0.55 - 0.3 * np.exp(-iteration / 1500)
    validated = iteration % config.validate_every == 0
    return pd.DataFrame(
        {
            "iteration": iteration,
            "loss": 2.0 - 1.6 * rising + rng.normal(0, 0.02, len(iteration)),
            "accuracy": rising + 0.03 + rng.normal(0, 0.01, len(iteration)),
            "val_accuracy": np.where(validated, rising + rng.normal(0, 0.01, len(iteration)), np.nan),
            "seconds": iteration * 0.7,
        }
    )


def weights(config: MetaTrainConfig, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Tensors named and shaped like `conv4(ways, filters, channels=3, size=32)`."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(4):
        shapes[f"conv{i + 1}.conv.weight"] = (config.filters, config.filters if i else 3, 3, 3)
        shapes[f"conv{i + 1}.norm.weight"] = shapes[f"conv{i + 1}.norm.bias"] = (config.filters,)
    shapes |= {"head.weight": (config.ways, config.filters * 4), "head.bias": (config.ways,)}
    return {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def _draw(
    mean: float, hardness: NDArray[np.float64], adapted: bool, config: MetaTrainConfig, rng: np.random.Generator
) -> NDArray[np.float64]:
    asked = config.ways * config.queries
    if not adapted:  # before the first step every query gets the same answer
        return np.full(len(hardness), round(asked * mean) / asked)
    drawn = mean + hardness + rng.normal(0, 0.03, len(hardness))
    return np.clip(np.round(drawn * asked) / asked, 0, 1)


def _rows(split: str, pattern: str, steps: int, lr: float, accuracy: NDArray[np.float64]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": split,
            "pattern": pattern,
            "steps": steps,
            "lr": lr,
            "episode": np.arange(len(accuracy)),
            "accuracy": accuracy,
            "loss": 1.9 - 1.5 * accuracy,
        }
    )
